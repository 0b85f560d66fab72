//! The real binary.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::harness::Settings;

/// A realm in another process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) base: String,
}

impl Process {
    pub(crate) fn start(settings: &Settings) -> Self {
        Self::logging(settings, Stdio::null())
    }

    fn spawn(settings: &Settings, log: impl Into<Stdio>) -> Child {
        Command::new(env!("CARGO_BIN_EXE_mtor"))
            .arg("serve")
            .env_clear()
            .envs(settings.environment())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("starts")
    }

    /// With its log going somewhere.
    pub(crate) fn logging(settings: &Settings, log: impl Into<Stdio>) -> Self {
        let mut child = Self::spawn(settings, log);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        let base = line.trim().strip_prefix("MTOR listens on ").expect("the address").to_owned();
        Self { child, base }
    }

    /// With its log going somewhere, and the token that it prints.
    pub(crate) fn with_token(settings: &Settings, log: impl Into<Stdio>) -> (Self, String) {
        let mut child = Self::spawn(settings, log);
        let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
        let mut line = || lines.next().expect("a line").expect("text");
        let base = line().trim().strip_prefix("MTOR listens on ").expect("the address").to_owned();
        let token = line().rsplit(' ').next().expect("a token").to_owned();
        (Self { child, base }, token)
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        self.child.wait().expect("gone")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
