//! Tells the linker that Node has the functions that are missing.

fn main() {
    napi_build::setup();
}
