//! Every clause of the two guidelines has a row; every row that a gateway can carry out has a rule, and two scenes named
//! after it. What is not carried out says why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sekisho::guideline::rules::Rule;
use serde::Deserialize;

/// How many rows the two guidelines have, by body and grade: what a gateway can do wholly (F), in part (P), only record
/// (R), not at all (N; 練馬 第19条 is listed and was not counted among them).
const COUNTS: [(&str, &str, usize); 8] = [
    ("nagano", "F", 24),
    ("nagano", "N", 9),
    ("nagano", "P", 31),
    ("nagano", "R", 6),
    ("nerima", "F", 25),
    ("nerima", "N", 2),
    ("nerima", "P", 22),
    ("nerima", "R", 1),
];

/// One clause, and by what it is carried out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The clause: `nerima:11(1)`.
    pub id: String,
    /// F, P, R or N.
    pub grade: String,
    /// `rule`, `registry`, `gate`, `record` or `outside`.
    pub by: String,
    /// The rules' ids, or the name of a stage.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The clause as refusals write it.
    #[serde(default)]
    pub cites: Option<String>,
    /// What it asks, in a few words.
    pub what: String,
    /// Why it is not carried out.
    #[serde(default)]
    pub open: Option<String>,
}

impl Row {
    /// Whether a gateway has something to do in it.
    pub fn is_graded(&self) -> bool {
        self.grade == "F" || self.grade == "P"
    }

    /// The names of its passing and its refused scene.
    pub fn scenes(&self) -> [String; 2] {
        let slug = slug(&self.id);
        [format!("{slug}_passes"), format!("{slug}_refused")]
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.id.split(':').next().unwrap()
    }

    /// The clause as refusals write it.
    pub fn cited(&self) -> &str {
        self.cites.as_deref().unwrap_or(&self.id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    row: Vec<Row>,
}

/// Every row, in the order of the guidelines.
pub fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/guidelines/rows.toml");
    toml::from_str::<File>(&std::fs::read_to_string(path).unwrap()).unwrap().row
}

/// `nagano:7(1)ア` as `nagano_7_1_a`, `nagano:2(7)p・1` as `nagano_2_7p_1`.
fn slug(id: &str) -> String {
    let kana = [
        ("ア", "a"),
        ("イ", "i"),
        ("ウ", "u"),
        ("エ", "e"),
        ("オ", "o"),
        ("カ", "ka"),
        ("キ", "ki"),
        ("ク", "ku"),
        ("ケ", "ke"),
        ("コ", "ko"),
    ];
    let mut slug = String::new();
    for c in id.chars() {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            ':' | '-' | '(' | '・' => slug.push('_'),
            ')' => {}
            kana_letter => {
                let (_, latin) = kana.iter().find(|(kana, _)| kana.starts_with(kana_letter)).unwrap();
                slug.push('_');
                slug.push_str(latin);
            }
        }
    }
    slug.replace("__", "_")
}

/// What is wrong with the rows, given the rules in force (body, rule), the names that the registry's sources hold, and
/// the scenes that exist.
pub fn problems(rows: &[Row], rules: &[(String, Rule)], registry: &str, scenes: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for row in rows {
        let mut wrong = |what: String| problems.push(format!("{}: {what}", row.id));
        let scene = row.scenes().map(|name| scenes.contains(&name));
        if row.open.is_some() {
            if row.is_graded() && scene == [true, true] && !row.rules.is_empty() {
                wrong("is carried out and still listed as open".to_owned());
            }
            continue;
        }
        if !row.is_graded() {
            wrong("says not why it is only recorded, or outside".to_owned());
        }
        if row.rules.is_empty() {
            wrong("names no rule".to_owned());
        }
        for id in &row.rules {
            let known = match row.by.as_str() {
                "rule" => rules.iter().any(|(body, rule)| body == row.body() && rule.id == *id),
                "registry" => registry.contains(&format!("\"{id}\"")),
                _ => true,
            };
            if !known {
                wrong(format!("there is no rule {id}"));
            }
        }
        let cites = |(_, rule): &&(String, Rule)| {
            row.rules.contains(&rule.id) && rule.clauses.iter().any(|clause| clause.as_str() == row.cited())
        };
        if row.by == "rule" && !rules.iter().any(|rule| cites(&rule)) {
            wrong(format!("no rule of it cites {}", row.cited()));
        }
        for (name, exists) in row.scenes().iter().zip(scene) {
            if !exists {
                wrong(format!("has no scene {name}"));
            }
        }
    }
    problems
}

/// The names of the scenes in `tests/it`.
pub fn scenes() -> BTreeSet<String> {
    let mut text = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut text);
    let mut scenes = BTreeSet::new();
    let mut is_test = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ") {
            if std::mem::take(&mut is_test) {
                scenes.insert(name.split('(').next().unwrap().to_owned());
            }
        } else if !line.starts_with("//") && !line.starts_with('#') && !line.is_empty() {
            is_test = false;
        }
    }
    scenes
}

/// The text of the sources of the registry.
pub fn registry() -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut text = std::fs::read_to_string(src.join("registry.rs")).unwrap_or_default();
    if src.join("registry").is_dir() {
        read(&src.join("registry"), &mut text);
    }
    text
}

fn read(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_clause_is_listed_once_with_its_grade() {
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut slugs = BTreeSet::new();
    for row in rows() {
        assert!(ids.insert(row.id.clone()), "{} stands twice", row.id);
        assert!(slugs.insert(row.scenes()), "{} shares its scenes", row.id);
        assert!(["rule", "registry", "gate", "record", "outside"].contains(&row.by.as_str()), "{row:?}");
        *counts.entry((row.body().to_owned(), row.grade.clone())).or_default() += 1;
    }
    let wanted = COUNTS.map(|(body, grade, count)| ((body.to_owned(), grade.to_owned()), count));
    assert_eq!(counts, BTreeMap::from(wanted));
}

#[test]
fn every_clause_that_a_gateway_can_carry_out_has_its_rule_and_its_two_scenes() {
    let rules = crate::clauses::in_force();
    assert_eq!(problems(&rows(), &rules, &registry(), &scenes()), Vec::<String>::new());
}

#[test]
fn a_missing_rule_or_scene_or_reason_is_told() {
    let rules = crate::clauses::in_force();
    let all = scenes();
    let rows = rows();
    let of = |id: &str| rows.iter().find(|row| row.id == id).unwrap().clone();
    let article = of("nerima:11");
    let told = |row: Row, scenes: &BTreeSet<String>| problems(&[row], &rules, "", scenes);
    assert_eq!(told(article.clone(), &all), Vec::<String>::new());
    let mut fewer = all.clone();
    fewer.remove("nerima_11_refused");
    assert_eq!(told(article.clone(), &fewer), ["nerima:11: has no scene nerima_11_refused"]);
    let gone = Row { rules: vec!["nerima.11.gone".into()], ..article.clone() };
    assert!(told(gone, &all)[0].contains("there is no rule nerima.11.gone"));
    let foreign = Row { rules: vec!["nagano.2-7.approval".into()], ..article.clone() };
    assert!(told(foreign, &all)[0].contains("there is no rule"));
    assert!(told(Row { open: Some("次の段階".into()), ..article }, &all)[0].contains("still listed as open"));
    assert!(told(Row { open: None, ..of("nagano:7") }, &all)[0].contains("says not why"));
}

#[test]
fn a_scene_is_named_after_its_clause() {
    let cases = [
        ("nerima:3-list(1)", "nerima_3_list_1"),
        ("nerima:17-1a", "nerima_17_1a"),
        ("nagano:2(7)p・1", "nagano_2_7p_1"),
        ("nagano:7(1)ア", "nagano_7_1_a"),
        ("nagano:7(2)キ(ウ)", "nagano_7_2_ki_u"),
        ("nagano:4(12)・6", "nagano_4_12_6"),
    ];
    for (id, wanted) in cases {
        assert_eq!(slug(id), wanted);
    }
}
