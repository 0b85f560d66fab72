//! Which credentials an operation asks for. They are listed here, and bound to hosts by the realm.

use crate::{
    document::{Members, Node},
    documents::Documents,
    model::{Location, OauthFlow, OauthGrant, Requirement, SchemeKind, SchemeUse},
};

/// The alternatives of an operation; its own list counts, also an empty one.
pub(crate) fn requirements(documents: &Documents<'_>, operation: &Node<'_>) -> Vec<Requirement> {
    let root = documents.root();
    let list = operation.get("security").or_else(|| root.get("security")).and_then(Node::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Node::as_object)
        .map(|schemes| Requirement {
            schemes: schemes.iter().map(|(name, scopes)| scheme_use(documents, name, scopes)).collect(),
        })
        .collect()
}

fn scheme_use(documents: &Documents<'_>, name: &str, scopes: &Node<'_>) -> SchemeUse {
    let scopes =
        scopes.as_array().into_iter().flatten().filter_map(Node::as_str).map(str::to_owned).collect();
    let root = documents.root();
    let schemes = [&root["components"]["securitySchemes"], &root["securityDefinitions"]];
    let described = schemes
        .iter()
        .find_map(|schemes| schemes.as_object().and_then(|schemes: &Members<'_>| schemes.get(name)))
        .and_then(|scheme| documents.resolve(scheme).ok());
    SchemeUse { name: name.to_owned(), kind: described.map_or(SchemeKind::Unknown, kind), scopes }
}

fn kind(scheme: &Node<'_>) -> SchemeKind {
    let text = |member: &str| scheme.get(member).and_then(Node::as_str);
    match text("type") {
        Some("apiKey") => {
            let location = match text("in") {
                Some("query") => Location::Query,
                Some("header") => Location::Header,
                Some("cookie") => Location::Cookie,
                _ => return SchemeKind::Unknown,
            };
            text("name").map_or(SchemeKind::Unknown, |name| SchemeKind::ApiKey {
                location,
                parameter: name.to_owned(),
            })
        }
        Some("http") => text("scheme")
            .map_or(SchemeKind::Unknown, |scheme| SchemeKind::Http { scheme: scheme.to_ascii_lowercase() }),
        // Swagger 2.0's only scheme of that field.
        Some("basic") => SchemeKind::Http { scheme: "basic".to_owned() },
        Some("oauth2") => SchemeKind::Oauth2 { flows: flows(scheme) },
        Some("openIdConnect") => {
            SchemeKind::OpenIdConnect { url: text("openIdConnectUrl").unwrap_or_default().to_owned() }
        }
        Some("mutualTLS") => SchemeKind::MutualTls,
        _ => SchemeKind::Unknown,
    }
}

/// The flows of a scheme: `flows` of OpenAPI 3, or the one `flow` of Swagger 2.0.
fn flows(scheme: &Node<'_>) -> Vec<OauthFlow> {
    const GRANTS: [(OauthGrant, &str, &str); 4] = [
        (OauthGrant::AuthorizationCode, "authorizationCode", "accessCode"),
        (OauthGrant::ClientCredentials, "clientCredentials", "application"),
        (OauthGrant::Password, "password", "password"),
        (OauthGrant::Implicit, "implicit", "implicit"),
    ];
    let flow = |grant: OauthGrant, of: &Node<'_>| {
        let text = |member: &str| of.get(member).and_then(Node::as_str).unwrap_or_default().to_owned();
        let (authorization_url, token_url) = (text("authorizationUrl"), text("tokenUrl"));
        OauthFlow { grant, authorization_url, token_url, refresh_url: text("refreshUrl") }
    };
    GRANTS
        .iter()
        .filter_map(|(grant, v3, v2)| match scheme["flows"].get(v3) {
            Some(described) => Some(flow(*grant, described)),
            None => (scheme["flow"].as_str() == Some(v2)).then(|| flow(*grant, scheme)),
        })
        .collect()
}
