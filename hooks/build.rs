//! Linker flags of the shared library.

fn main() {
    // Hooks, signal handlers and keys point into the library: it must not be unmapped by dlclose.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcolib.so");
    println!("cargo:rerun-if-changed=build.rs");
}
