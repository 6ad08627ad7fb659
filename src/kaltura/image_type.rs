//! What a picture's bytes are, whatever the server calls them.

/// The media type of a picture browsers show; `None` for anything else, a Flash film included.
pub(super) fn of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some("image/avif"),
        // Two letters prove little: the size of the header behind them must be one there is.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => {
            Some("image/bmp")
        }
        _ => None,
    }
}

/// A name for what is no picture, for messages.
pub(super) fn name_of_other(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "nothing",
        [b'F' | b'C' | b'Z', b'W', b'S', ..] => "a Flash film",
        [b'<', ..] => "markup",
        _ => "no picture",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_bytes_and_nothing_else_is_one() {
        let cases: [(&[u8], Option<&str>); 14] = [
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\n\0", Some("image/png")),
            (b"GIF87a..", Some("image/gif")),
            (b"GIF89a..", Some("image/gif")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x1cftypavif....", Some("image/avif")),
            (b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0..", Some("image/bmp")),
            (b"BMW is a car, not a picture", None),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"\0\0\0\x18ftypheic", None),
            (b"FWS\x06\x16\0\0\0", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"\xff\xd8", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(of(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!((name_of_other(b"CWS\x09"), name_of_other(b"")), ("a Flash film", "nothing"));
    }
}
