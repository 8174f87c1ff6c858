//! What an image is, by how it begins.

/// The types that every browser shows, and in which nothing can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageType {
    Png,
    Jpeg,
    Gif,
    WebP,
}

impl ImageType {
    /// How many bytes tell the type.
    pub(super) const TELLING: usize = 12;

    /// The type of what begins like this, if it is one of these.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        match bytes {
            _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Self::Png),
            _ if bytes.starts_with(b"\xff\xd8\xff") => Some(Self::Jpeg),
            _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if is_webp => Some(Self::WebP),
            _ => None,
        }
    }

    /// As headers and data URLs name it.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], Some(ImageType::Png)),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some(ImageType::Jpeg)),
            (b"GIF89a<script>", Some(ImageType::Gif)),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some(ImageType::WebP)),
            (b"RIFF\x24\0\0\0WAVEfmt ", None),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", None),
            (b"BM\x36\0", None),
            (b" \x89PNG\r\n\x1a\n", None),
            (b"\x89PNG", None),
            (b"", None),
        ] {
            assert_eq!(ImageType::of(bytes), expected, "{bytes:?}");
        }
    }
}
