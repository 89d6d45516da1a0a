//! How the way to PostgreSQL is encrypted, and whom it trusts. The modes are `sslmode`'s (core-server.md 9.4).

use std::path::Path;
use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::machinery::error::{Result, StoreError};
use crate::machinery::options::{PostgresOptions, TlsMode, TlsVersion};

type Verified = std::result::Result<ServerCertVerified, Error>;
type Signed = std::result::Result<HandshakeSignatureValid, Error>;

/// The client's side of TLS; with `Disable` it is made but not used. Whoever names authorities wants them to be asked.
pub(crate) fn config(options: &PostgresOptions) -> Result<ClientConfig> {
    let (mode, roots) = (options.tls_mode(), options.root_certificates.as_deref());
    let versions: &[&SupportedProtocolVersion] = match options.tls_version {
        None => ALL_VERSIONS,
        Some(TlsVersion::Only12) => &[&TLS12],
        Some(TlsVersion::Only13) => &[&TLS13],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let bad = |e: &dyn std::fmt::Display| StoreError::driver(format!("TLS cannot be set up: {e}"));
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).map_err(|e| bad(&e))?;
    let verifier: Arc<dyn ServerCertVerifier> = match (mode, roots) {
        (TlsMode::Disable, _) | (TlsMode::Prefer | TlsMode::Require, None) => Arc::new(Unverified(provider)),
        (TlsMode::Verify | TlsMode::VerifyAuthority, None) => {
            Arc::new(rustls_platform_verifier::Verifier::new(provider).map_err(|e| bad(&e))?)
        }
        (mode, Some(file)) => {
            let named = read(file)?;
            let mut roots = RootCertStore::empty();
            for certificate in &named {
                roots.add(certificate.clone()).map_err(|e| unusable(file, &e))?;
            }
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|e| bad(&e))?;
            Arc::new(Authorities { chain, named, name_counts: mode == TlsMode::Verify })
        }
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.enable_sni = !options.hides_name;
    Ok(config)
}

fn unusable(file: &Path, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::BadOptions(format!("the certificates in {} (sslrootcert) cannot be used: {why}", file.display()))
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| unusable(file, &e))?;
    let certificates = certificates.collect::<std::result::Result<Vec<_>, _>>().map_err(|e| unusable(file, &e))?;
    if certificates.is_empty() { Err(unusable(file, &"there are none")) } else { Ok(certificates) }
}

/// What is wrong with a server, and what to do about it.
pub(crate) fn in_words(error: &Error, host: &str) -> String {
    use CertificateError as C;
    let Error::InvalidCertificate(why) = error else {
        return format!("the server {host} cannot be spoken to over TLS: {error}");
    };
    let what = match why {
        // The latter where an authority has the name of a trusted one.
        C::UnknownIssuer | C::BadSignature => {
            "is signed by nobody who is trusted: name the file of its authority with sslrootcert".to_owned()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "is for other names: write the host as the certificate has it, or sslmode=verify-ca with sslrootcert".to_owned()
        }
        C::Expired | C::ExpiredContext { .. } => "has expired: renew it, or look at this machine's clock".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => "is not valid yet: look at this machine's clock".to_owned(),
        other => format!("is not good: {other}"),
    };
    format!("the certificate of the server {host} {what}")
}

/// Asks authorities that the operator has named. One that signed itself and was named is as good as signed by an authority, also if
/// it calls itself one, as the certificates do that `openssl req -x509` makes.
#[derive(Debug)]
struct Authorities {
    chain: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
    /// The certificate must be for the host's name too.
    name_counts: bool,
}

impl Authorities {
    fn judge(&self, found: Verified, certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Verified {
        use CertificateError as C;
        match found {
            // The name is looked at last: all else was good.
            Err(Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. })) if !self.name_counts => {
                Ok(ServerCertVerified::assertion())
            }
            // Its time is looked at first.
            Err(Error::InvalidCertificate(ref why))
                if !matches!(
                    why,
                    C::Expired
                        | C::ExpiredContext { .. }
                        | C::NotValidYet
                        | C::NotValidYetContext { .. }
                        | C::BadEncoding
                        | C::NotValidForName
                        | C::NotValidForNameContext { .. }
                ) && self.named.iter().any(|named| named == certificate) =>
            {
                if self.name_counts {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            found => found,
        }
    }
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Verified {
        let found = self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        self.judge(found, end_entity, server_name)
    }

    fn verify_tls12_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Signed {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Signed {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Encrypts without asking who is there, which is what `prefer` and `require` mean to every PostgreSQL client.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Verified {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Signed {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, message: &[u8], certificate: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Signed {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
