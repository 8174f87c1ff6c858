//! Forms with files, as browsers write them.

/// The type of such a form.
pub(crate) const TYPE: &str = "multipart/form-data; boundary=----boundary";

/// The smallest image of each type that a browser shows.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

/// Fields, then files in the input of the page.
pub(crate) fn encoded(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        // Browsers end lines with CR LF in forms.
        let value = value.replace('\n', "\r\n");
        part(&mut body, &format!("name=\"{name}\""), value.as_bytes());
    }
    for (name, bytes) in files {
        // Browsers encode what would end a name.
        let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let about = format!("name=\"files\"; filename=\"{name}\"\r\ncontent-type: image/png");
        part(&mut body, &about, bytes);
    }
    body.extend_from_slice(b"------boundary--\r\n");
    body
}

fn part(body: &mut Vec<u8>, about: &str, bytes: &[u8]) {
    let head = format!("------boundary\r\ncontent-disposition: form-data; {about}\r\n\r\n");
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n");
}
