//! The entry, schema v1: an RFC 8785 object of at most 16 KiB. `docs/decisions/0003-ledger-format.md` lists its members.
//!
//! An entry outlives every erasure, so it holds no content, no name and no reason: those are in the sealed payload, and
//! the entry commits to it by `content_commit`, the SHA-256 of 32 random bytes and the payload. A plain hash of a short
//! post could be guessed. People stand under pseudonyms that only the holder of the key file can make.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusals;
use crate::domain::approval::Pass;
use crate::domain::canonical::{write_text, write_whole};
use crate::domain::clause::Clause;
use crate::domain::decision::{Obligation, Permit, Refusal, RefusalKind};
use crate::domain::dossier::{Dossier, Outcome};
use crate::domain::emergency::EmergencyId;
use crate::domain::exemption::Exemption;
use crate::domain::finding::{Finding, Report};
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

/// People whose pseudonyms are remembered: the few who post and approve. More, and remembering begins anew.
const REMEMBERED: usize = 1024;

/// Makes pseudonyms of people.
pub struct Names {
    key: hmac::Key,
    /// What was made already. An entry shows the pseudonym, so that only the key is a secret here.
    known: ArcSwap<HashMap<PersonId, String>>,
}

impl Names {
    /// Pseudonyms under this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let own = hmac::sign(&key, b"sekisho pseudonyms v1");
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()), known: ArcSwap::default() }
    }

    /// The name under which a person stands in entries: `p-` and 16 hex digits.
    pub fn pseudonym(&self, person: &PersonId) -> String {
        if let Some(name) = self.known.load().get(person) {
            return name.clone();
        }
        let tag = hmac::sign(&self.key, person.as_str().as_bytes());
        let name = format!("p-{}", hex::encode(tag.as_ref().get(..8).unwrap_or_default()));
        self.known.rcu(|known| {
            let mut known = if known.len() < REMEMBERED { HashMap::clone(known) } else { HashMap::new() };
            known.insert(person.clone(), name.clone());
            known
        });
        name
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
        let json = self.json().map_err(|e| StoreDown(e.to_string()))?;
        let mut plain = Vec::with_capacity(32 + json.len());
        plain.resize(32, 0);
        random(&mut plain)?;
        plain.extend_from_slice(json.as_bytes());
        fields.text("content_commit", &Sha256::of(&plain).hex());
        keys.seal(&plain).map(Arc::new)
    }

    /// What serde_json writes of it. It is written for every post, nearly all of it one text.
    fn json(&self) -> serde_json::Result<String> {
        let Self { author, approver, source, reason, post, media, links, findings } = self;
        let source = Some(source).filter(|source| !source.is_empty());
        let texts = [
            ("\"author\":", author.as_ref()),
            ("\"approver\":", approver.as_ref()),
            ("\"source\":", source),
            ("\"reason\":", reason.as_ref()),
            ("\"post\":", post.as_ref()),
        ];
        // A quotation mark in the post takes two bytes.
        let mut out = String::with_capacity(512 + post.as_ref().map_or(0, |post| post.len() + post.len() / 8));
        for (name, text) in texts {
            if let Some(text) = text {
                begin(name, &mut out);
                write_text(text, &mut out);
            }
        }
        write_list_if("\"media\":", media, &mut out)?;
        write_list_if("\"links\":", links, &mut out)?;
        write_list_if("\"findings\":", findings, &mut out)?;
        out.push_str(if out.is_empty() { "{}" } else { "}" });
        Ok(out)
    }
}

fn begin(name: &str, out: &mut String) {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push_str(name);
}

fn write_list_if<V: Serialize>(name: &str, list: &[V], out: &mut String) -> serde_json::Result<()> {
    if !list.is_empty() {
        begin(name, out);
        out.push_str(&serde_json::to_string(list)?);
    }
    Ok(())
}

/// The members that only the writer knows.
pub fn place(log: &str, index: u64, boot: &str, kind: &str, late: Late<'_>) -> Fields {
    let mut fields = Fields::with_room();
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
    let mut fields = Fields::with_room();
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
    let seen: Vec<String> = dossier.seen.iter().take(CITED).map(|seen| seen.sha256.hex()).collect();
    fields.texts_if("seen", seen.iter().map(String::as_str));
    fields.text_if("target", dossier.target.as_deref());
    fields.text_if("upload", dossier.upload.as_ref().map(upload_step));
    if let Some(refusal) = &dossier.would_refuse {
        fields.value("would_refuse", &would_refuse(refusal));
    }
    let approver = pass(&mut fields, dossier.pass.as_ref(), names);
    if !dossier.joint.is_empty() {
        let joint = dossier.joint.iter().take(CITED);
        let joint: Value =
            joint.map(|it| json!({ "approval": it.id.as_str(), "approver": names.pseudonym(&it.approver) })).collect();
        fields.value("joint", &joint);
    }
    let mut payload = Payload {
        author: dossier.author.as_ref().map(|person| person.as_str().to_owned()),
        approver,
        source: dossier.source.clone(),
        reason: dossier.reason.clone(),
        post: Some(&dossier.payload).filter(|form| !form.is_empty()).cloned(),
        media: dossier.seen.iter().map(|seen| (seen.url.clone(), seen.sha256.hex())).collect(),
        links: Vec::new(),
        findings: Vec::new(),
    };
    if let Some(report) = &dossier.report {
        fields.member("inspected", |out| write_inspected(report, out));
        findings(&mut fields, &report.findings);
        payload.findings.clone_from(&report.findings);
    }
    (fields, payload)
}

fn write_inspected(report: &Report, out: &mut String) {
    out.push_str("{\"bytes\":");
    write_whole(report.bytes as u64, out);
    out.push_str(",\"fields\":");
    write_whole(report.fields as u64, out);
    out.push_str(",\"rules\":");
    write_text(&report.rules, out);
    out.push('}');
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
    fields.texts_if("clauses", clauses.iter().take(CITED).map(|clause| cut(clause.as_str(), 80)));
}

/// The basis of a permission.
pub fn of_permit(permit: &Permit) -> Fields {
    let mut fields = Fields::default();
    clauses(&mut fields, &permit.clauses);
    fields.text("rule", &permit.rule);
    let marks = permit
        .obligations
        .iter()
        .filter_map(|obligation| match obligation {
            Obligation::Mark { mark } => Some(cut(mark, 80)),
            Obligation::Notify { whom } => Some(whom.as_str()),
            Obligation::AfterReport { .. } | Obligation::Incident => None,
        })
        .take(CITED);
    fields.texts_if("marks", marks);
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
    fields.texts_if("refused_by", refusal.rules.iter().take(CITED).map(|rule| cut(rule, 80)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_written_as_serde_json_writes_it() {
        let text = |text: &str| Some(text.to_owned());
        let finding = serde_json::json!({
            "rule": "r", "category": "c", "clauses": [], "severity": "note", "field": "/text", "span": [0, 3],
            "excerpt": "\"\n", "advice": "直す", "never": false,
        });
        let whole = Payload {
            author: text("課員\u{1}"),
            approver: text(""),
            source: "192.0.2.7".to_owned(),
            reason: text("急ぎ\n"),
            post: text("{\"text\":\"お知らせ\\n😀\u{7f}\"}"),
            media: vec![("https://a.example/".to_owned(), "00".to_owned())],
            links: vec!["a \"b\"".to_owned()],
            findings: vec![serde_json::from_value(finding).unwrap()],
        };
        let post = Payload { post: whole.post.clone(), ..Payload::default() };
        let lists = Payload { post: None, author: None, approver: None, source: String::new(), ..whole.clone() };
        for payload in [Payload::default(), post, lists, whole] {
            let json = payload.json().unwrap();
            assert_eq!(json, serde_json::to_string(&payload).unwrap());
            assert_eq!(serde_json::from_str::<Payload>(&json).unwrap(), payload);
        }
    }

    #[test]
    fn a_name_stays_the_same_however_many_are_remembered() {
        let names = Names::new(&[7; 32]);
        let person = |n: usize| PersonId::new(format!("person-{n}"));
        let first: Vec<String> = (0..REMEMBERED + 2).map(|n| names.pseudonym(&person(n))).collect();
        assert!(names.known.load().len() <= REMEMBERED);
        let fresh = Names::new(&[7; 32]);
        for (n, name) in first.iter().enumerate() {
            assert_eq!((names.pseudonym(&person(n)), fresh.pseudonym(&person(n))), (name.clone(), name.clone()));
        }
        let mut all = first;
        all.sort();
        all.dedup();
        assert_eq!(all.len(), REMEMBERED + 2);
    }
}
