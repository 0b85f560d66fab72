//! The one-way dependencies between the rooms, and the names that only one room may use.

use std::fs;

use anyhow::{Result, bail};

use crate::context::{Context, Package};
use crate::hash::files_below;

/// Which of our own crates a crate may depend on.
const ROOMS: &[(&str, &[&str])] = &[
    ("mtor-shared", &[]),
    ("mtor-federation", &["mtor-shared"]),
    ("mtor-inference", &["mtor-shared"]),
    // Talks to the inference worker by messages, so that a changed screen compiles no model.
    ("mtor-app", &["mtor-shared"]),
    ("mtor", &["mtor-shared", "mtor-federation", "mtor-inference"]),
    ("xtask", &["mtor-shared"]),
];

/// A dependency that belongs to some crates only; the name is a prefix.
const OWNED_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("burn", &["mtor-inference"]),
    ("wgpu", &["mtor-inference"]),
    ("leptos", &["mtor-app"]),
    ("web-sys", &["mtor-app", "mtor-inference"]),
    ("axum", &["mtor"]),
    ("sqlx", &["mtor"]),
];

/// A name that may be written in some places only.
struct OwnedName {
    name: &'static str,
    /// Folders and files, from the checkout's root.
    places: &'static [&'static str],
    reason: &'static str,
}

const OWNED_NAMES: &[OwnedName] = &[
    OwnedName { name: "burn::", places: &["inference/"], reason: "only the inference room names burn" },
    OwnedName {
        name: "web_sys::",
        places: &["app/src/platform/", "app/src/platform.rs", "app/tests/", "inference/"],
        reason: "the browser is behind app/src/platform, so that all else is tested without one",
    },
];

/// Says every breach at once.
pub(super) fn check(context: &Context) -> Result<()> {
    let mut breaches: Vec<String> = context.packages.iter().flat_map(dependency_breaches).collect();
    for path in files_below_rooms(context)? {
        let text = fs::read_to_string(&path)?;
        let place = path.strip_prefix(&context.root)?.to_string_lossy().replace('\\', "/");
        breaches.extend(name_breaches(&place, &text));
    }
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("the rooms are not kept apart:\n  {}", breaches.join("\n  "))
}

fn files_below_rooms(context: &Context) -> Result<Vec<std::path::PathBuf>> {
    let mut sources = Vec::new();
    for room in ["app", "federation", "inference", "server", "shared"] {
        for folder in ["src", "tests", "examples", "benches"] {
            let folder = context.root.join(room).join(folder);
            if folder.is_dir() {
                sources.extend(files_below(&folder)?);
            }
        }
    }
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    Ok(sources)
}

fn dependency_breaches(package: &Package) -> Vec<String> {
    let mut breaches = Vec::new();
    let own = ROOMS.iter().find(|(name, _)| *name == package.name);
    if own.is_none() {
        breaches
            .push(format!("{} is a crate that xtask/src/check/architecture.rs does not place", package.name));
    }
    for dependency in &package.dependencies {
        let is_ours = ROOMS.iter().any(|(name, _)| *name == dependency.name);
        if is_ours && own.is_some_and(|(_, allowed)| !allowed.contains(&dependency.name.as_str())) {
            breaches.push(format!(
                "{} depends on {}, and dependencies point one way",
                package.name, dependency.name
            ));
        }
        for (prefix, owners) in OWNED_DEPENDENCIES {
            let belongs = dependency.name == *prefix || dependency.name.starts_with(&format!("{prefix}-"));
            // Tests may drive a room from outside.
            if belongs
                && dependency.kind.as_deref() != Some("dev")
                && !owners.contains(&package.name.as_str())
            {
                breaches.push(format!(
                    "{} depends on {}, which belongs to {}",
                    package.name,
                    dependency.name,
                    owners.join(", ")
                ));
            }
        }
    }
    breaches
}

fn name_breaches(place: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    for owned in OWNED_NAMES {
        if owned.places.iter().any(|allowed| place.starts_with(allowed)) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && mentions(line, owned.name) {
                breaches.push(format!("{place}:{} names {}: {}", index + 1, owned.name, owned.reason));
            }
        }
    }
    breaches
}

/// Whether the path stands there as a whole word.
fn mentions(line: &str, name: &str) -> bool {
    line.match_indices(name)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Dependency;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.into(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).into(), kind: kind.map(str::to_owned) })
                .collect(),
        }
    }

    #[test]
    fn a_name_outside_its_room_is_found_and_one_inside_or_in_a_comment_is_not() {
        let text = "// web_sys::Window is elsewhere\nuse web_sys::Window;\nuse my_web_sys::X;\n";
        assert_eq!(name_breaches("app/src/shell/mod.rs", text).len(), 1);
        assert!(
            name_breaches("app/src/shell/mod.rs", text)[0]
                .starts_with("app/src/shell/mod.rs:2 names web_sys::")
        );
        assert!(name_breaches("app/src/platform/clock.rs", text).is_empty());
        assert_eq!(name_breaches("server/src/lib.rs", "let x = burn::Tensor::new();").len(), 1);
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        assert!(dependency_breaches(&package("mtor-shared", &[("serde", None)])).is_empty());
        assert_eq!(dependency_breaches(&package("mtor-shared", &[("mtor-federation", None)])).len(), 1);
        assert_eq!(dependency_breaches(&package("mtor-app", &[("mtor-inference", None)])).len(), 1);
        assert_eq!(dependency_breaches(&package("mtor-app", &[("burn-wgpu", None)])).len(), 1);
        assert!(dependency_breaches(&package("mtor-app", &[("burn", Some("dev"))])).is_empty());
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(dependency_breaches(&package("mtor-new", &[])).len(), 1);
    }
}
