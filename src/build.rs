//! How the release binary is linked on Linux, for its start-up and its size.

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // Found before the shared libgcc, which then need not be loaded: a tenth of the start-up.
        println!("cargo::rustc-link-lib=dylib=gcc_eh");
        // At a fixed address nothing has to be relocated: a thirtieth of both. The price: what a memory error could jump to
        // has a known address; there is no `unsafe` outside one small module.
        println!("cargo::rustc-link-arg-bins=-no-pie");
        // A panic aborts, so that nothing is ever unwound: the tables for it are an eighth of the file.
        println!("cargo::rerun-if-changed=src/no_unwinding.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        println!("cargo::rustc-link-arg-bins=-T{}/src/no_unwinding.ld", env!("CARGO_MANIFEST_DIR"));
    }
}
