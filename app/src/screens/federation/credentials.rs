//! What a source is called with. Secrets go from their fields to the realm and nowhere else.

use leptos::{ev::SubmitEvent, prelude::*};
use mtor_shared::{
    credential::{AddCredential, Credential, Kind, Secret, Standing},
    source::{Scheme, SourceId},
};

use crate::{
    platform::{clock, page},
    shell::{
        dispatcher::use_shell,
        event::Clerk,
        view::federation::{self as view, kind_words, standing_words},
    },
    ui::{Button, Dot, Kind as ButtonKind, Trouble, dynamic, flag, memo, when},
};

/// Schemes with what is stored for each.
#[component]
pub(super) fn Credentials(id: SourceId) -> impl IntoView {
    let shell = use_shell();
    let of = id.clone();
    let schemes = shell.view(move |model| view::credentials(model, &of));
    let trouble = shell.view(|model| model.federation.credential_trouble.clone());
    // A credential that was taken clears what was typed: the fields are drawn anew.
    let taken = shell.view(|model| model.federation.credentials_taken);
    let id = StoredValue::new(id);
    view! {
        <p class="field-note">
            "The realm keeps credentials encrypted, sends them to the hosts that are listed and to no other, and never shows them again."
        </p>
        {dynamic(move || trouble.get().map(|problem| view! { <Trouble problem /> }))}
        {dynamic(move || {
            taken.get();
            let schemes = schemes.get();
            if schemes.is_empty() {
                return view! { <p class="muted">"This source asks for none."</p> }.into_any();
            }
            schemes.into_iter().map(|(scheme, known)| view! { <OfScheme id=id.get_value() scheme known /> }).collect_view().into_any()
        })}
    }
}

#[component]
fn OfScheme(id: SourceId, scheme: Scheme, known: Vec<Credential>) -> impl IntoView {
    let heading = scheme.name.clone();
    let label = heading.clone();
    let scopes = (!scheme.scopes.is_empty()).then(|| {
        view! { <p class="field-note">"Scopes: " {scheme.scopes.join(", ")}</p> }
    });
    let stored = known.into_iter().map(|credential| view! { <Stored credential /> }).collect_view();
    let accepts = scheme.accepts.clone();
    view! {
        <section class="scheme" aria-label=label>
            <h4>{heading} " " <span class="muted">{scheme.label.clone()}</span></h4>
            {scopes}
            <ul class="lines">{stored}</ul>
            {if accepts.is_empty() {
                view! { <p class="muted">"No kind of credential that this realm knows meets it."</p> }.into_any()
            } else {
                view! { <Give id scheme /> }.into_any()
            }}
        </section>
    }
}

#[component]
fn Stored(credential: Credential) -> impl IntoView {
    let shell = use_shell();
    let (tone, words) = standing_words(&credential.standing);
    let link = match &credential.standing {
        // Only an address of the web: nothing that would run here.
        Standing::Waiting { authorize_at }
            if authorize_at.starts_with("https://") || authorize_at.starts_with("http://") =>
        {
            Some(authorize_at.clone())
        }
        _ => None,
    };
    let used = credential
        .used_at_ms
        .map_or_else(|| "never used".to_owned(), |at_ms| format!("last used {}", clock::spoken_time(at_ms)));
    let id = credential.id;
    view! {
        <li class="credential">
            <span class="credential-kind">{kind_words(credential.kind)}</span>
            <span class="number"><Dot tone />{words}</span>
            <span class="credential-facts number">
                {format!("stored {}, {used}, for {}", clock::spoken_time(credential.created_at_ms), credential.hosts.join(", "))}
            </span>
            <span class="buttons">
                {link.map(|link| view! {
                    <a class="button" href=link target="_blank" rel="noopener noreferrer">"Sign in"</a>
                })}
                <Button kind=ButtonKind::Quiet press=move || shell.clerk(Clerk::Revoke(id.clone()))>"Remove"</Button>
            </span>
        </li>
    }
}

/// The fields of a credential: name, title, whether it is secret, whether it may be empty.
fn fields(kind: Kind) -> &'static [(&'static str, &'static str, bool, bool)] {
    const CLIENT: [(&str, &str, bool, bool); 4] = [
        ("client_id", "Client id", false, false),
        ("client_secret", "Client secret", true, false),
        ("token_url", "Token address, if the description does not say it", false, true),
        ("scopes", "Scopes, with spaces between", false, true),
    ];
    const CODE: [(&str, &str, bool, bool); 5] = [
        ("client_id", "Client id", false, false),
        ("client_secret", "Client secret, empty for a public client", true, true),
        ("authorization_url", "Sign-in address, if the description does not say it", false, true),
        ("token_url", "Token address, if the description does not say it", false, true),
        ("scopes", "Scopes, with spaces between", false, true),
    ];
    match kind {
        Kind::ApiKey => &[("key", "Key", true, false)],
        Kind::Bearer => &[("token", "Token", true, false)],
        Kind::Basic => &[("user", "User", false, false), ("password", "Password", true, true)],
        Kind::ClientCredentials => &CLIENT,
        Kind::AuthorizationCode => &CODE,
    }
}

fn secret(kind: Kind, value: impl Fn(&str) -> String) -> Secret {
    let optional = |name: &str| Some(value(name)).filter(|value| !value.is_empty());
    let scopes = || value("scopes").split_whitespace().map(str::to_owned).collect();
    match kind {
        Kind::ApiKey => Secret::ApiKey { key: value("key") },
        Kind::Bearer => Secret::Bearer { token: value("token") },
        Kind::Basic => Secret::Basic { user: value("user"), password: value("password") },
        Kind::ClientCredentials => Secret::ClientCredentials {
            client_id: value("client_id"),
            client_secret: value("client_secret"),
            token_url: optional("token_url"),
            scopes: scopes(),
        },
        Kind::AuthorizationCode => Secret::AuthorizationCode {
            client_id: value("client_id"),
            client_secret: value("client_secret"),
            authorization_url: optional("authorization_url"),
            token_url: optional("token_url"),
            scopes: scopes(),
        },
    }
}

fn found<'a>(typed: &'a [(&'static str, String)], name: &str) -> &'a str {
    typed.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

#[component]
fn Give(id: SourceId, scheme: Scheme) -> impl IntoView {
    let shell = use_shell();
    let kinds = scheme.accepts.clone();
    let kind = RwSignal::new(kinds.first().copied().unwrap_or(Kind::ApiKey));
    // What is typed lives here, only as long as the fields do.
    let typed = RwSignal::new(Vec::<(&'static str, String)>::new());
    let several = kinds.len() > 1;
    let prefix = format!("give-{}", scheme.name);
    let kind_id = format!("{prefix}-kind");
    let return_address = format!("{}/api/credentials/oauth/callback/{id}", page::origin());
    let name = scheme.name.clone();
    let give = move |event: SubmitEvent| {
        event.prevent_default();
        let secret = typed.with_untracked(|typed| {
            secret(kind.get_untracked(), |name| found(typed, name).trim().to_owned())
        });
        shell.clerk(Clerk::Give(AddCredential { source: id.clone(), scheme: name.clone(), secret }));
    };
    let returns = memo(move || kind.get() == Kind::AuthorizationCode);
    let can_give = move || {
        fields(kind.get()).iter().all(|(name, _, _, optional)| {
            *optional || typed.with(|typed| !found(typed, name).trim().is_empty())
        })
    };
    let label = format!("Add a credential for {}", scheme.name);
    view! {
        <form class="give" aria-label=label autocomplete="off" on:submit=give>
            {several.then(|| {
                let options = kinds.clone().into_iter().enumerate().map(|(index, kind)| {
                    view! { <option value=index.to_string()>{kind_words(kind)}</option> }
                });
                let options = options.collect_view();
                let chosen = move |event| {
                    let index: Option<usize> = event_target_value(&event).parse().ok();
                    if let Some(chosen) = index.and_then(|index| kinds.get(index).copied()) {
                        kind.set(chosen);
                    }
                };
                view! {
                    <div class="field">
                        <label for=kind_id.clone()>"Kind"</label>
                        <select id=kind_id.clone() on:change=chosen>{options}</select>
                    </div>
                }
            })}
            {dynamic(move || {
                fields(kind.get())
                    .iter()
                    .map(|(name, title, is_secret, _)| {
                        let id = format!("{prefix}-{name}");
                        view! {
                            <div class="field">
                                <label for=id.clone()>{*title}</label>
                                <input
                                    id=id
                                    type=if *is_secret { "password" } else { "text" }
                                    autocomplete=if *is_secret { "new-password" } else { "off" }
                                    spellcheck="false"
                                    on:input=move |event| typed.update(|typed| {
                                        typed.retain(|(known, _)| known != name);
                                        typed.push((name, event_target_value(&event)));
                                    })
                                />
                            </div>
                        }
                    })
                    .collect_view()
            })}
            {when(returns, move || view! {
                <p class="field-note">
                    "Where the provider asks for a redirect address: " <code>{return_address.clone()}</code>
                </p>
            })}
            <div class="buttons">
                <button type="submit" class="button" disabled=flag(move || !can_give())>"Store"</button>
            </div>
        </form>
    }
}
