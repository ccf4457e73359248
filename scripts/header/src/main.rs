//! Generates `include/co_routine.h` from the doc comments and signatures of `src/capi`.
//!
//! With `--check` it writes nothing and fails when the committed header differs.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let config = match cbindgen::Config::from_file(root.join("scripts/header/cbindgen.toml")) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("cbindgen.toml: {error}");
            return ExitCode::FAILURE;
        }
    };
    // In the order of the header. What else stands in capi has headers of its own, written by hand.
    let files = ["types", "coroutine", "eventloop", "condition", "variables", "hooks", "resolver"];
    let builder = files.iter().fold(cbindgen::Builder::new().with_config(config), |builder, file| {
        builder.with_src(root.join(format!("src/capi/{file}.rs")))
    });
    let bindings = match builder.generate() {
        Ok(bindings) => bindings,
        Err(error) => {
            eprintln!("co_routine.h: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut text = Vec::new();
    bindings.write(&mut text);
    let header = root.join("include/co_routine.h");
    if std::env::args().any(|argument| argument == "--check") {
        if std::fs::read(&header).ok().as_deref() != Some(&text[..]) {
            eprintln!("include/co_routine.h is not what src/capi says: run `make header`");
            return ExitCode::FAILURE;
        }
    } else if let Err(error) = std::fs::write(&header, text) {
        eprintln!("{}: {error}", header.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
