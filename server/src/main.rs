//! The binary `mtor`: see [`mtor::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    mtor::cli::main()
}
