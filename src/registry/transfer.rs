//! Personnel changes (異動): a list in CSV, all of it or none, with every problem by its line.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::Hearing;
use crate::domain::decision::Refusal;
use crate::domain::person::{Person, PersonId};
use crate::domain::registry::{Appointment, Book, Item, Move, PositionId, Span, Written};

/// What the first line names.
const COLUMNS: [&str; 5] = ["person", "name", "from", "to", "date"];
/// Most lines of one list.
pub const MOST: usize = 5_000;
/// Most problems that are told at once.
const TOLD: usize = 20;

/// What is wrong with a line: its number and a sentence.
pub type Problem = (u64, String);

/// A line as it is written.
#[derive(Deserialize)]
struct Line {
    person: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    date: String,
}

/// Reads a list: `person,name,from,to,date`. Lines that cannot be read are problems; the others are still read, so that
/// everything that is wrong is told at once.
pub fn read(text: &str) -> (Vec<Move>, Vec<Problem>) {
    // Spreadsheets write a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = match reader.headers() {
        Ok(names) => names.clone(),
        Err(error) => return (Vec::new(), vec![(1, format!("見出しを読み取れません（{error}）"))]),
    };
    let once = |name: &&str| names.iter().filter(|it| it == name).count() == 1;
    if !COLUMNS.iter().all(once) || names.len() != COLUMNS.len() {
        return (Vec::new(), vec![(1, format!("見出しは {} です", COLUMNS.join(",")))]);
    }
    let (mut moves, mut problems) = (Vec::new(), Vec::new());
    for record in reader.into_records() {
        let at = record.as_ref().map_or_else(|error| error.position().cloned(), |it| it.position().cloned());
        let line = line_of(text, at.as_ref());
        match record.and_then(|record| record.deserialize::<Line>(Some(&names))) {
            Ok(written) => match of_line(line, written) {
                Ok(one) => moves.push(one),
                Err(what) => problems.push((line, what)),
            },
            Err(error) => problems.push((line, format!("項目の数が見出しと合わないか、読み取れません（{error}）"))),
        }
    }
    if moves.is_empty() && problems.is_empty() {
        problems.push((1, "一件もありません".to_owned()));
    }
    if moves.len() > MOST {
        problems.push((1, format!("一度に登録できるのは{MOST}件までです")));
    }
    (moves, problems)
}

/// The reader counts from the end of the record before, which may lie some empty lines above.
fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let from = position.and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or_default();
    let rest = text.get(from..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    1 + text.bytes().take(from + blank).filter(|byte| *byte == b'\n').count() as u64
}

fn of_line(line: u64, written: Line) -> Result<Move, String> {
    let Ok(date) = written.date.parse::<Date>() else {
        return Err(format!("date「{}」は 2027-04-01 の形の日付ではありません", written.date));
    };
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(Move {
        line,
        person: PersonId::new(written.person),
        name: some(written.name),
        from: some(written.from).map(PositionId::new),
        to: some(written.to).map(PositionId::new),
        date,
    })
}

/// The refusal with its lines.
pub(super) fn in_words(mut refusal: Refusal, lines: &[Problem]) -> Refusal {
    refusal.sentence.push_str(&told(lines));
    refusal
}

/// The refusal of a list that could not even be read as a whole; nothing was changed.
pub fn unreadable(mut lines: Vec<Problem>) -> Refusal {
    lines.sort();
    lines.dedup();
    let rule = &super::rules::LINES;
    let refusal =
        Refusal::refused(rule.code, rule.ja, rule.en, rule.way).status(rule.status).citing("sekisho:registry");
    in_words(refusal, &lines)
}

fn told(lines: &[Problem]) -> String {
    let told: Vec<String> = lines.iter().take(TOLD).map(|(line, what)| format!("{line}行目: {what}")).collect();
    let more = if lines.len() > TOLD { format!("、ほか{}件", lines.len() - TOLD) } else { String::new() };
    format!("{}{more}。", told.join("、"))
}

/// What is wrong with these lines in this body's book, by line.
pub fn problems(book: &Book, moves: &[Move]) -> Vec<Problem> {
    apply(book, moves).1
}

pub(super) fn hear(hearing: &mut Hearing<'_>, moves: &[Move], lines: &mut Vec<Problem>) -> Written {
    hearing.registrar();
    hearing.must(!moves.is_empty() && moves.len() <= MOST, &super::rules::SOUND);
    let (after, found) = apply(hearing.book, moves);
    lines.extend(found);
    let mut written = Written { items: Vec::new(), accounts: Vec::new(), people: after.people };
    written.items.extend(after.appointments.into_iter().map(Item::Appointment));
    // An account's record names its manager now; a move that lies ahead takes effect by its date, without being written.
    let mut book = hearing.book.clone();
    written.items.iter().cloned().for_each(|item| book.put(item));
    for account in hearing.book.accounts.values() {
        let holder = book.manager(account, hearing.now).holder.unwrap_or_else(PersonId::nobody);
        if holder != account.manager {
            let mut account = crate::domain::account::Account::clone(account);
            account.manager = holder;
            written.accounts.push(account);
        }
    }
    written
}

/// What a list makes of a book.
#[derive(Default)]
struct After {
    appointments: Vec<Appointment>,
    people: Vec<Person>,
}

fn apply(book: &Book, moves: &[Move]) -> (After, Vec<Problem>) {
    let mut after = After::default();
    let mut problems = Vec::new();
    let mut held: Vec<(u64, Appointment)> = book.appointments.iter().map(|it| (0, it.clone())).collect();
    let mut people: BTreeMap<PersonId, Person> = BTreeMap::new();
    // First who leaves, then who comes: an exchange of two heads on one day is no overlap.
    let mut left = Vec::new();
    for one in moves {
        match leave(&mut held, &mut after, one) {
            Ok(()) => left.push(one),
            Err(what) => problems.push((one.line, what)),
        }
    }
    for one in left {
        if let Err(what) = come(book, &mut held, &mut after, &mut people, one) {
            problems.push((one.line, what));
        }
    }
    problems.extend(crowded(book, &held));
    problems.sort();
    problems.dedup();
    after.people = people.into_values().collect();
    (after, problems)
}

fn leave(held: &mut [(u64, Appointment)], after: &mut After, one: &Move) -> Result<(), String> {
    let Some(from) = &one.from else { return Ok(()) };
    let last = one.date.yesterday().map_err(|_| "date がこの暦の外です".to_owned())?;
    let holds = |it: &Appointment| it.person == one.person && it.position == *from && it.span.covers_day(last);
    let Some((_, appointment)) = held.iter_mut().find(|(_, it)| holds(it)) else {
        return Err(format!("職員「{}」は、{last}に「{from}」の職にありません", one.person));
    };
    if appointment.span.until.is_some_and(|until| until < last) {
        return Err(format!("職員「{}」の「{from}」は、それより前に終わっています", one.person));
    }
    appointment.span.until = Some(last);
    let ended = appointment.clone();
    after.appointments.retain(|it| Item::Appointment(it.clone()).id() != Item::Appointment(ended.clone()).id());
    after.appointments.push(ended);
    Ok(())
}

fn come(
    book: &Book,
    held: &mut Vec<(u64, Appointment)>,
    after: &mut After,
    people: &mut BTreeMap<PersonId, Person>,
    one: &Move,
) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let id = one.person.as_str();
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err("person は a-z、0-9、「-」「_」「.」の64文字までです".to_owned());
    }
    let Some(to) = &one.to else {
        return if one.from.is_some() { Ok(()) } else { Err("from と to の両方が空です".to_owned()) };
    };
    if !book.positions.contains_key(to) {
        return Err(format!("「{to}」という職は登録簿にありません"));
    }
    if one.from.as_ref() == Some(to) {
        return Err("from と to が同じ職です".to_owned());
    }
    if !book.people.contains_key(&one.person) && !people.contains_key(&one.person) {
        let name = one.name.clone().ok_or_else(|| format!("新しい職員「{id}」の name が空です"))?;
        let organisation = book.people.values().next().map(|it| it.organisation.clone());
        let organisation = organisation.ok_or_else(|| "この団体の登録簿に職員がいません".to_owned())?;
        let post = to.to_string();
        let new = Person { id: one.person.clone(), organisation, name, post, may_declare: false, key_sha256: None };
        people.insert(one.person.clone(), new);
    }
    let appointment =
        Appointment { person: one.person.clone(), position: to.clone(), span: Span { from: one.date, until: None } };
    let twice = held.iter().any(|(_, it)| {
        it.person == appointment.person && it.position == appointment.position && it.span.meets(&appointment.span)
    });
    if twice {
        return Err(format!("職員「{id}」は、すでに「{to}」の職にあります"));
    }
    held.push((one.line, appointment.clone()));
    after.appointments.push(appointment);
    Ok(())
}

/// Leading positions that two people would hold on one day; told at the line that brings the second.
fn crowded(book: &Book, held: &[(u64, Appointment)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, (line, new)) in held.iter().enumerate().filter(|(_, (line, _))| *line > 0) {
        let leads = book.positions.get(&new.position).is_some_and(|it| it.leads);
        let crowds =
            |it: &Appointment| it.position == new.position && it.person != new.person && it.span.meets(&new.span);
        let other = held.iter().take(at).find(|(_, it)| crowds(it));
        if let Some((_, it)) = other.filter(|_| leads) {
            problems.push((*line, format!("「{}」の職には、同じ日に職員「{}」がいます", new.position, it.person)));
        }
    }
    problems
}
