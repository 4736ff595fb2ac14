//! Says early, and in words, where this crate cannot be built.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // V8's headroom above a heap limit (4 GiB) and its buffers need 64-bit addresses.
    assert_eq!(
        target("POINTER_WIDTH"),
        "64",
        "plugin-sandbox needs a 64-bit target: the memory above a plugin's heap limit, in which \
         V8 unwinds, does not fit a smaller address space"
    );
    let os = target("OS");
    assert!(
        ["linux", "macos", "windows"].contains(&os.as_str()),
        "plugin-sandbox is written for Linux, macOS and Windows, not for {os:?}"
    );
}
