//! TLS errors in our own words.
//!
//! The messages of rustls quote the other end's certificate, which may contain anything, and host names.

use rustls::{AlertDescription, CertificateError, Error};

/// The reason why a TLS connection failed.
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
    /// The other end requires a client certificate.
    WantsCertificate,
    /// The two ends share no TLS version or cipher.
    Incompatible,
    /// The clock of this machine is before 1970.
    NoTime,
    /// Any other error.
    Other,
}

impl TlsFailure {
    /// The message if the clock of this machine is before 1970.
    pub const NO_TIME: &str =
        "the clock of this machine is before 1970, so certificates cannot be checked; set the clock";

    /// The message. It contains nothing that the other end wrote.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Untrusted => "its certificate is not from a trusted authority",
            Self::WrongName => "its certificate is for another name",
            Self::Expired => "its certificate has expired",
            Self::NotValidYet => "its certificate is not valid yet; check the clocks of both machines",
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
                // An authority with the same name but another key gives a bad signature.
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
    fn a_wrong_clock_is_named() {
        assert!(TlsFailure::from(&Error::FailedToGetCurrentTime).words().contains("clock"));
    }
}
