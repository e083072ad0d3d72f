//! How the program was called, so that the commands it prints can be pasted.

use std::ffi::OsStr;
use std::path::Path;

use crate::render::trace::shell_word;
use crate::render::{Invocation, PROGRAM};

/// What `program`, the first of the process's arguments, tells.
pub(super) fn invocation(program: &OsStr) -> Invocation {
    let path = shell_word(&program.to_string_lossy(), false);
    match Path::new(program).components().count() {
        0 => Invocation::default(),
        // A shell has found it by what was typed: its name, or that of a link to it.
        1 => Invocation { again: path.clone(), path },
        _ if is_on_path() => Invocation::default(),
        _ if by_cargo() => Invocation { again: cargo_run(program), path },
        _ => Invocation { again: path.clone(), path },
    }
}

/// Whether a shell that is given the name alone finds this program: some shells pass the whole path even then.
fn is_on_path() -> bool {
    let Ok(this) = std::env::current_exe().and_then(|path| path.canonicalize()) else { return false };
    let (Some(name), Some(path)) = (this.file_name(), std::env::var_os("PATH")) else { return false };
    std::env::split_paths(&path).find_map(|folder| folder.join(name).canonicalize().ok()) == Some(this)
}

/// Whether `cargo run` has started it: cargo names the package that it runs.
fn by_cargo() -> bool {
    std::env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == PROGRAM)
}

fn cargo_run(program: &OsStr) -> String {
    let release = Path::new(program).components().any(|part| part.as_os_str() == "release");
    format!("cargo run{} --", if release { " --release" } else { "" })
}
