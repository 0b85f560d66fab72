//! Debian's package manager, for what only the system can provide.

use std::process::Command;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::process;

/// Whether this system has it.
pub(super) fn is_here(context: &Context) -> bool {
    process::which("apt-get", &context.path()).is_some()
}

/// Whether the system is Debian itself; a relative may ship other things under the same package names.
pub(super) fn is_debian() -> bool {
    std::fs::read_to_string("/etc/os-release").is_ok_and(|text| names_debian(&text))
}

fn names_debian(os_release: &str) -> bool {
    os_release.lines().any(|line| matches!(line.trim(), "ID=debian" | "ID=\"debian\""))
}

/// Installs packages without recommendations.
pub(super) fn install(context: &Context, packages: &[&str]) -> Result<()> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    let by_hand = || format!("apt-get {}", arguments.join(" "));
    if process::run(as_root(context, "apt-get", &by_hand())?.args(&arguments)).is_ok() {
        return Ok(());
    }
    // The usual reason is a list of packages that is older than the mirror.
    process::run(as_root(context, "apt-get", &by_hand())?.arg("update"))?;
    process::run(as_root(context, "apt-get", &by_hand())?.args(&arguments))
}

/// A command that runs as root: directly, or through sudo where no password is needed or a person can give one.
pub(super) fn as_root(context: &Context, program: &str, by_hand: &str) -> Result<Command> {
    if process::output(context.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0") {
        let mut command = context.command(program);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        return Ok(command);
    }
    let passwordless = process::succeeds(context.command("sudo").args(["-n", "true"]));
    if !passwordless {
        bail!(
            "this needs root, and sudo is missing or asks for a password. Do it by hand as root:\n  {by_hand}\n\
             or run `sudo true` first and start again"
        );
    }
    let mut command = context.command("sudo");
    command.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", program]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_is_told_from_its_relatives() {
        assert!(names_debian("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"));
        assert!(!names_debian("ID=ubuntu\nID_LIKE=debian\n"));
    }
}
