//! The services that a new realm offers: their descriptions and overlays, written for MTOR in the shapes that the
//! providers document.

/// One service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pilot {
    /// The first half of its capabilities' ids.
    pub id: &'static str,
    /// OpenAPI description, YAML.
    pub document: &'static str,
    /// OpenAPI overlay with `x-mtor` objects, YAML.
    pub overlay: &'static str,
}

macro_rules! pilot {
    ($id:literal) => {
        Pilot {
            id: $id,
            document: include_str!(concat!("../pilots/", $id, ".openapi.yaml")),
            overlay: include_str!(concat!("../pilots/", $id, ".overlay.yaml")),
        }
    };
}

/// All of them, in a stable order.
pub fn all() -> Vec<Pilot> {
    vec![pilot!("open-meteo"), pilot!("wikipedia"), pilot!("open-library"), pilot!("free-dictionary")]
}
