//! Certificates of those who make authenticators: what one must be like to sign a statement. Opening it is the edge's affair.

use crate::webauthn::key::Algorithm;

/// The organisational unit that WebAuthn 8.2.1 prescribes.
const UNIT: &str = "Authenticator Attestation";

/// A certificate that must be opened before its key can check a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its bytes.
    pub der: Vec<u8>,
    /// How its key signs.
    pub algorithm: Algorithm,
    /// What it must be like.
    pub rule: Rule,
}

/// What a certificate must be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// As WebAuthn 8.2.1 has it, for an authenticator of this kind.
    Packed([u8; 16]),
    /// Any with a key on P-256 (WebAuthn 8.6).
    FidoU2f,
}

/// What a certificate says, once it is open.
#[derive(Debug, Clone, Default)]
pub struct CertificateSays {
    /// 1, 2 or 3.
    pub version: u8,
    /// Whether the subject has a country, an organisation and a common name.
    pub subject_is_whole: bool,
    /// The subject's organisational units.
    pub units: Vec<String>,
    /// Whether it may issue others.
    pub is_authority: bool,
    /// The kind of authenticator it is for, if it says so: whether that is marked as critical, and the content of the extension.
    pub aaguid: Option<(bool, Vec<u8>)>,
}

impl Rule {
    /// May such a certificate sign the statement? Its dates do not count: without an issuer whom one trusts they say nothing.
    pub fn allows(&self, says: &CertificateSays) -> bool {
        match self {
            Self::FidoU2f => true,
            Self::Packed(aaguid) => {
                let its_own = says.aaguid.as_ref().is_none_or(|(critical, content)| {
                    // An octet string within the octet string of the extension.
                    !critical && content.strip_prefix(&[4, 16]).is_some_and(|kind| kind == aaguid)
                });
                let unit = says.units.iter().any(|unit| unit == UNIT);
                says.version == 3 && says.subject_is_whole && unit && !says.is_authority && its_own
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_certificate_is_one_for_attestation_of_this_kind_of_authenticator() {
        let good = CertificateSays {
            version: 3,
            subject_is_whole: true,
            units: vec!["x".to_owned(), UNIT.to_owned()],
            is_authority: false,
            aaguid: Some((false, [&[4, 16][..], &[7; 16]].concat())),
        };
        let rule = Rule::Packed([7; 16]);
        assert!(rule.allows(&good));
        assert!(rule.allows(&CertificateSays { aaguid: None, ..good.clone() }));
        for bad in [
            CertificateSays { version: 1, ..good.clone() },
            CertificateSays { subject_is_whole: false, ..good.clone() },
            CertificateSays { units: vec![UNIT.to_uppercase()], ..good.clone() },
            CertificateSays { units: vec![], ..good.clone() },
            CertificateSays { is_authority: true, ..good.clone() },
            CertificateSays { aaguid: Some((true, [&[4, 16][..], &[7; 16]].concat())), ..good.clone() },
            CertificateSays { aaguid: Some((false, [&[4, 16][..], &[8; 16]].concat())), ..good.clone() },
            CertificateSays { aaguid: Some((false, vec![7; 16])), ..good.clone() },
            CertificateSays { aaguid: Some((false, vec![])), ..good.clone() },
        ] {
            assert!(!rule.allows(&bad), "{bad:?}");
            assert!(Rule::FidoU2f.allows(&bad));
        }
    }
}
