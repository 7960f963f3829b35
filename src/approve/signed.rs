//! Signed approvals (JWS compact, EdDSA).

/// The keys that may sign approvals.
pub struct Issuers {}

impl Issuers {
    /// Opens this gateway's own key, making it on first start.
    pub fn open(config: &crate::config::approve::Approve) -> Result<Self, crate::config::Problem> {
        let _ = config;
        todo!("helper F")
    }
}
