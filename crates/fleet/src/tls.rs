//! TLS errors in our own words.
//!
//! rustls quotes the certificate of the other end, which may contain anything, and names of hosts.

use rustls::{AlertDescription, CertificateError, Error};

/// What went wrong with a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The certificate is not from a trusted authority.
    Untrusted,
    /// The certificate is for another name.
    WrongName,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotValidYet,
    /// The certificate is invalid for another reason.
    InvalidCertificate,
    /// The other end does not speak TLS.
    NotTls,
    /// The other end asks for a certificate of ours.
    WantsCertificate,
    /// The other end and we have no TLS version or cipher in common.
    Incompatible,
    /// The clock of this machine is before 1970.
    NoTime,
    /// Any other error.
    Other,
}

impl TlsFailure {
    /// What to say where the clock of this machine is before 1970.
    pub const NO_TIME: &str =
        "the clock of this machine is before 1970, so certificates cannot be checked; set the clock";

    /// What happened, without anything that the other end wrote.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Untrusted => "its certificate is not from a trusted authority",
            Self::WrongName => "its certificate is for another name",
            Self::Expired => "its certificate has expired",
            Self::NotValidYet => "its certificate is not valid yet; are the clocks right?",
            Self::InvalidCertificate => "its certificate is not valid",
            Self::NotTls => "it does not speak TLS",
            Self::WantsCertificate => "it asks for a client certificate, which is not supported",
            Self::Incompatible => "it rejected our TLS handshake (no shared version or cipher)",
            Self::NoTime => Self::NO_TIME,
            Self::Other => "TLS failed",
        }
    }
}

impl From<&Error> for TlsFailure {
    fn from(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => match error {
                // An authority of the same name with another key gives a bad signature.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::WrongName
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotValidYet
                }
                _ => Self::InvalidCertificate,
            },
            Error::InvalidMessage(_) => Self::NotTls,
            Error::AlertReceived(AlertDescription::CertificateRequired) => Self::WantsCertificate,
            Error::AlertReceived(_) | Error::PeerIncompatible(_) => Self::Incompatible,
            Error::FailedToGetCurrentTime => Self::NoTime,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_is_named() {
        assert!(TlsFailure::from(&Error::FailedToGetCurrentTime).words().contains("clock"));
    }
}
