//! Keys and certificates as text: the blocks of a PEM file.

/// The blocks of this kind, each from its first line to its last.
pub fn blocks(text: &str, kind: &str) -> Vec<String> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(&begin)
        && let Some(len) = rest[start..].find(&end)
    {
        let (block, behind) = rest[start..].split_at(len + end.len());
        blocks.push(format!("{block}\n"));
        rest = behind;
    }
    blocks
}

/// The kind of a certificate's block.
pub const CERTIFICATE: &str = "CERTIFICATE";

/// The kind of a private key's block, as PKCS #8 has it.
pub const PRIVATE_KEY: &str = "PRIVATE KEY";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_by_their_kind() {
        let text = "a note\n-----BEGIN PRIVATE KEY-----\nk\n-----END PRIVATE KEY-----\n\
                    -----BEGIN CERTIFICATE-----\n1\n-----END CERTIFICATE-----\n\
                    -----BEGIN CERTIFICATE-----\r\n2\r\n-----END CERTIFICATE-----\r\n-----BEGIN CERTIFICATE-----\ncut";
        let certificates = blocks(text, CERTIFICATE);
        assert_eq!(certificates[0], "-----BEGIN CERTIFICATE-----\n1\n-----END CERTIFICATE-----\n");
        assert_eq!((certificates.len(), blocks(text, PRIVATE_KEY).len()), (2, 1));
        assert!(blocks("", CERTIFICATE).is_empty());
    }
}
