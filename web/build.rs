//! Embeds what browsers load.

fn main() {
    memory_serve::load_directory("./static");
}
