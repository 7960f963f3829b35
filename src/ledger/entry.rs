//! The entry, schema v1: an RFC 8785 object of at most 16 KiB. `docs/decisions/0003-ledger-format.md` lists its members.
//!
//! An entry outlives every erasure, so it holds no content, no name and no reason: those are in the sealed payload, and
//! the entry commits to it by `content_commit`, the SHA-256 of 32 random bytes and the payload. A plain hash of a short
//! post could be guessed. People stand under pseudonyms that only the holder of the key file can make.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusals;
use crate::domain::approval::Pass;
use crate::domain::clause::Clause;
use crate::domain::decision::{Obligation, Permit, Refusal, RefusalKind};
use crate::domain::dossier::{Dossier, Outcome};
use crate::domain::emergency::EmergencyId;
use crate::domain::exemption::Exemption;
use crate::domain::finding::Finding;
use crate::domain::media::{Sha256, UploadStep};
use crate::domain::person::PersonId;
use crate::domain::remarks::Declaration;
use crate::store::fields::cut;
use crate::store::keyring::{Keyring, random};
use crate::store::{Fields, Late, Sealed, StoreDown};

/// The version of the entry's schema.
pub const SCHEMA: u64 = 1;
/// The longest entry.
pub const LEAF_BYTES: usize = 16 * 1024;
/// Findings that an entry lists; the payload lists all.
const FINDINGS: usize = 40;
/// Clauses and rules that an entry lists.
const CITED: usize = 24;

/// Makes pseudonyms of people.
pub struct Names(hmac::Key);

impl Names {
    /// Pseudonyms under this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let own = hmac::sign(&key, b"sekisho pseudonyms v1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// The name under which a person stands in entries: `p-` and 16 hex digits.
    pub fn pseudonym(&self, person: &PersonId) -> String {
        let tag = hmac::sign(&self.0, person.as_str().as_bytes());
        format!("p-{}", hex::encode(tag.as_ref().get(..8).unwrap_or_default()))
    }
}

/// What an entry commits to without showing it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Payload {
    /// The person who answers for the request, or who acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The person who approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The address it came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The reason that was given; the text of a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The post's normal form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// Media by URL: the address and the hash of what stood there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<(String, String)>,
    /// What an approver saw of the post's links, a line each: the host that the text shows, and where it leads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// All findings, with what matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Payload {
    /// Seals it and enters the commitment.
    pub fn seal(&self, keys: &Keyring, fields: &mut Fields) -> Result<Arc<Sealed>, StoreDown> {
        let mut plain = vec![0; 32];
        random(&mut plain)?;
        serde_json::to_writer(&mut plain, self).map_err(|e| StoreDown(e.to_string()))?;
        fields.text("content_commit", &Sha256::of(&plain).hex());
        keys.seal(&plain).map(Arc::new)
    }
}

/// The members that only the writer knows.
pub fn place(log: &str, index: u64, boot: &str, kind: &str, late: Late<'_>) -> Fields {
    let mut fields = Fields::default();
    if let Some(number) = late.use_number {
        fields.number("approval_use", u64::from(number));
    }
    fields.text("at", &late.at.to_string());
    fields.text("boot", boot);
    if let Some(clock) = late.clock {
        fields.text("clock", &clock.to_string());
    }
    if let Some(code) = late.code {
        clauses(&mut fields, &refusals::of_code(code).clauses);
        fields.text("code", code);
        fields.text("decision", "refused");
    }
    fields.number("index", index);
    fields.text("kind", kind);
    fields.text("log", log);
    fields.text_if("ticket", late.ticket);
    fields.number("v", SCHEMA);
    fields
}

/// What was learned of a request, and its payload.
pub fn of_dossier(dossier: &Dossier, names: &Names) -> (Fields, Payload) {
    let mut fields = Fields::default();
    fields.text_if("account", dossier.account.as_ref().map(|id| id.as_str()));
    fields.text_if("action", dossier.action.map(|action| action.as_str()));
    if let Some(author) = &dossier.author {
        fields.text("author", &names.pseudonym(author));
    }
    if let Some(hash) = &dossier.body_sha256 {
        fields.number("body_len", dossier.body_len);
        fields.text("body_sha256", &hash.hex());
    }
    fields.text_if("category", dossier.category.as_deref());
    fields.text_if("client_declared", declared(&dossier.declares).as_deref());
    fields.text_if("client", dossier.client.as_ref().map(|id| id.as_str()));
    fields.text_if("digest", dossier.digest.map(|digest| digest.to_string()).as_deref());
    fields.text_if("corrects", dossier.corrects.as_ref().map(|id| id.as_str()));
    fields.text("door", dossier.door);
    fields.text_if("emergency", emergency(dossier).map(|id| id.as_str()));
    fields.text("host", &dossier.host);
    fields.text("method", &dossier.method);
    fields.text_if("kept_until", dossier.keep.as_ref().map(|kept| kept.expires.to_string()).as_deref());
    if let Some(release) = &dossier.release {
        fields.text("released", release.ticket.id.as_str());
        fields.text("released_by", &names.pseudonym(&release.by));
    }
    fields.text_if("provider", dossier.provider.as_ref().map(|id| id.as_str()));
    fields.text_if("route", dossier.route.as_deref());
    fields.text("rules", &dossier.rules);
    let seen: Value = dossier.seen.iter().take(CITED).map(|seen| seen.sha256.hex()).collect();
    if !dossier.seen.is_empty() {
        fields.value("seen", &seen);
    }
    fields.text_if("target", dossier.target.as_deref());
    fields.text_if("upload", dossier.upload.as_ref().map(upload_step));
    if let Some(refusal) = &dossier.would_refuse {
        fields.value("would_refuse", &would_refuse(refusal));
    }
    let approver = pass(&mut fields, dossier.pass.as_ref(), names);
    let joint = dossier.joint.iter().take(CITED);
    let joint: Value =
        joint.map(|it| json!({ "approval": it.id.as_str(), "approver": names.pseudonym(&it.approver) })).collect();
    if !dossier.joint.is_empty() {
        fields.value("joint", &joint);
    }
    let mut payload = Payload {
        author: dossier.author.as_ref().map(|person| person.as_str().to_owned()),
        approver,
        source: dossier.source.clone(),
        reason: dossier.reason.clone(),
        post: (!dossier.payload.is_empty()).then(|| String::from_utf8_lossy(&dossier.payload).into_owned()),
        media: dossier.seen.iter().map(|seen| (seen.url.clone(), seen.sha256.hex())).collect(),
        links: Vec::new(),
        findings: Vec::new(),
    };
    if let Some(report) = &dossier.report {
        fields.value("inspected", &json!({ "bytes": report.bytes, "fields": report.fields, "rules": report.rules }));
        findings(&mut fields, &report.findings);
        payload.findings.clone_from(&report.findings);
    }
    (fields, payload)
}

/// The declaration that a request runs under.
fn emergency(dossier: &Dossier) -> Option<&EmergencyId> {
    match &dossier.pass {
        Some(Pass::Exempt(Exemption::Emergency { emergency, .. })) => Some(emergency),
        _ => dossier.emergency.as_ref(),
    }
}

fn upload_step(step: &UploadStep) -> &'static str {
    match step {
        UploadStep::OneShot { .. } => "one-shot",
        UploadStep::Init => "init",
        UploadStep::Open { .. } => "open",
        UploadStep::Range { .. } => "range",
        UploadStep::Append { .. } => "append",
        UploadStep::Finalize { .. } => "finalize",
        UploadStep::Describe { .. } => "describe",
    }
}

/// What an enforcing account would have said.
fn would_refuse(refusal: &Refusal) -> Value {
    let clauses: Vec<&str> = refusal.clauses.iter().take(CITED).map(|clause| cut(clause.as_str(), 80)).collect();
    let rules: Vec<&str> = refusal.rules.iter().take(CITED).map(|rule| cut(rule, 80)).collect();
    let decision = if refusal.kind == RefusalKind::Held { "held" } else { "refused" };
    json!({ "clauses": clauses, "code": cut(&refusal.code, 80), "decision": decision, "rules": rules })
}

/// Declarations by name, as an entry lists them; none: there is none.
fn declared(all: &[Declaration]) -> Option<String> {
    let names: Vec<&str> = all.iter().map(|it| it.as_str()).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn pass(fields: &mut Fields, pass: Option<&Pass>, names: &Names) -> Option<String> {
    match pass {
        Some(Pass::Approved { approval, .. }) => {
            fields.text("approval", approval.id.as_str());
            fields.text("approver", &names.pseudonym(&approval.approver));
            fields.text_if("declared", declared(&approval.remarks.declares).as_deref());
            if approval.is_publish_event() {
                fields.text("deemed_by", cut(&approval.issuer, 80));
            }
            Some(approval.approver.as_str().to_owned())
        }
        Some(Pass::Resend { entry }) => {
            fields.number("resend_of", *entry);
            None
        }
        Some(Pass::Followed(known)) => {
            fields.number("follows", known.entry);
            None
        }
        Some(Pass::Exempt(exemption)) => {
            fields.text("exemption", exemption.as_str());
            if let Some(evidence) = evidence(exemption) {
                fields.value("evidence", &evidence);
            }
            None
        }
        Some(Pass::None) | None => None,
    }
}

/// What an exemption rests on. The page's address is in the sealed payload, beside its hash.
fn evidence(exemption: &Exemption) -> Option<Value> {
    match exemption {
        Exemption::Emergency { .. } => None,
        Exemption::WeatherEvent { template, .. } => Some(json!({ "template": cut(template, 80) })),
        Exemption::OperatingPolicy { version, .. } => Some(json!({ "policy": cut(version, 80) })),
        Exemption::AlreadyPublished { sha256, .. } | Exemption::CmsPage { sha256, .. } => {
            Some(json!({ "page_sha256": sha256 }))
        }
        Exemption::EstablishedFact { template, date } => {
            Some(json!({ "date": date.to_string(), "template": cut(template, 80) }))
        }
        Exemption::Statutory { law, article } => Some(json!({ "article": cut(article, 80), "law": cut(law, 240) })),
    }
}

fn findings(fields: &mut Fields, findings: &[Finding]) {
    let listed: Vec<Value> = findings
        .iter()
        .take(FINDINGS)
        .map(|finding| {
            json!({
                "category": cut(&finding.category, 40), "field": cut(&finding.field, 80), "rule": cut(&finding.rule, 60),
                "severity": finding.severity.as_str(), "span": [finding.span.0, finding.span.1],
            })
        })
        .collect();
    if !listed.is_empty() {
        fields.value("findings", &Value::Array(listed));
    }
    if findings.len() > FINDINGS {
        fields.number("findings_left_out", (findings.len() - FINDINGS) as u64);
    }
}

fn clauses(fields: &mut Fields, clauses: &[Clause]) {
    if !clauses.is_empty() {
        fields.value("clauses", &clauses.iter().take(CITED).map(|clause| cut(clause.as_str(), 80)).collect());
    }
}

/// The basis of a permission.
pub fn of_permit(permit: &Permit) -> Fields {
    let mut fields = Fields::default();
    clauses(&mut fields, &permit.clauses);
    fields.text("rule", &permit.rule);
    let marks: Value = permit
        .obligations
        .iter()
        .filter_map(|obligation| match obligation {
            Obligation::Mark { mark } => Some(cut(mark, 80)),
            Obligation::Notify { whom } => Some(whom.as_str()),
            Obligation::AfterReport { .. } | Obligation::Incident => None,
        })
        .take(CITED)
        .collect();
    if marks.as_array().is_some_and(|marks| !marks.is_empty()) {
        fields.value("marks", &marks);
    }
    fields
}

/// The reasons of a refusal. `has_report`: the dossier's findings stand in the entry already.
pub fn of_refusal(refusal: &Refusal, has_report: bool) -> Fields {
    let mut fields = Fields::default();
    clauses(&mut fields, &refusal.clauses);
    fields.text("code", &refusal.code);
    fields.text(
        "decision",
        match refusal.kind {
            RefusalKind::Held => "held",
            RefusalKind::Refused => "refused",
        },
    );
    if !refusal.rules.is_empty() {
        fields.value("refused_by", &refusal.rules.iter().take(CITED).map(|rule| cut(rule, 80)).collect());
    }
    if !has_report {
        findings(&mut fields, &refusal.findings);
    }
    fields
}

/// How a permission ended.
pub fn of_outcome(of: u64, outcome: &Outcome) -> Fields {
    let mut fields = Fields::default();
    fields.number("of", of);
    fields.text("outcome", outcome.as_str());
    match outcome {
        Outcome::Published { status, published_id } => {
            fields.number("status", u64::from(*status));
            fields.text_if("published_id", published_id.as_deref());
        }
        Outcome::RefusedByProvider { status } => fields.number("status", u64::from(*status)),
        Outcome::NotSent { code } | Outcome::Unknown { code } => fields.text("code", code),
    }
    fields
}
