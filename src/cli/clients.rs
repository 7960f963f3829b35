//! `client import`: posting tools from a CSV file, all or none. The keys are made here, shown once, and leave this
//! process as hashes alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::ClientCommand;
use super::client::{NoAnswer, call};
use super::{Exit, Io, with};
use crate::config::private;
use crate::domain::action::Action;
use crate::domain::media::Sha256;

/// Largest list, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// What the first line names.
const COLUMNS: [&str; 5] = ["id", "owner", "accounts", "scopes", "until"];

/// A line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: u64,
    id: String,
    owner: String,
    accounts: Vec<String>,
    actions: Vec<Action>,
    until: Option<Date>,
}

/// A line as it is written.
#[derive(Deserialize)]
struct Written {
    id: String,
    owner: String,
    accounts: String,
    scopes: String,
    #[serde(default)]
    until: String,
}

pub(super) fn run(command: ClientCommand, io: &mut Io<'_>) -> Exit {
    let ClientCommand::Import { config, person, keys, file } = command;
    let rows = match read(&file) {
        Ok(rows) => rows,
        Err(problems) => {
            for problem in problems {
                io.complain(format_args!("{}:{problem}", file.display()));
            }
            io.complain("一覧に誤りがあるため、一件も登録していません。 / Nothing was changed.");
            return Exit::Refused;
        }
    };
    with(&config.files, io, |config, io| {
        let Some(made) = make_keys(&rows) else {
            io.complain("the system gives no random bytes");
            return Exit::CannotRun;
        };
        // The file comes first: keys that the gateway knows and nobody holds are of no use.
        if let Some(path) = &keys
            && let Err(problem) = private::create(path, &listed(&rows, &made))
        {
            io.complain(problem);
            return Exit::CannotRun;
        }
        let answer = call(&config, &person, "/api/v1/clients", Some(&json!({ "clients": asked(&rows, &made) })));
        let exit = match answer {
            Ok(answer) if answer.is_done() => {
                say(&rows, &made, keys.as_ref(), io);
                return Exit::Done;
            }
            Ok(answer) => {
                io.complain(answer.sentence());
                Exit::Refused
            }
            Err(NoAnswer(reason)) => {
                io.complain(reason);
                Exit::CannotRun
            }
        };
        if let Some(path) = &keys
            && exit == Exit::Refused
            && std::fs::remove_file(path).is_err()
        {
            io.complain(format_args!("{}: these keys are registered nowhere; remove the file", path.display()));
        }
        exit
    })
}

fn make_keys(rows: &[Row]) -> Option<Vec<Zeroizing<String>>> {
    rows.iter().map(|_| crate::domain::chance::new_key().map(Zeroizing::new)).collect()
}

fn asked(rows: &[Row], keys: &[Zeroizing<String>]) -> Vec<Value> {
    let one = |(row, key): (&Row, &Zeroizing<String>)| {
        json!({
            "line": row.line, "id": row.id, "owner": row.owner, "key_sha256": Sha256::of(key.as_bytes()).hex(),
            "accounts": row.accounts, "actions": row.actions, "until": row.until,
        })
    };
    rows.iter().zip(keys).map(one).collect()
}

/// `id,key` lines. Neither holds a comma or a quote.
fn listed(rows: &[Row], keys: &[Zeroizing<String>]) -> Zeroizing<String> {
    let lines = rows.iter().zip(keys).map(|(row, key)| format!("{},{}\n", row.id, key.as_str()));
    Zeroizing::new(std::iter::once("id,key\n".to_owned()).chain(lines).collect())
}

fn say(rows: &[Row], keys: &[Zeroizing<String>], file: Option<&PathBuf>, io: &mut Io<'_>) {
    match file {
        Some(path) => io.say(format_args!(
            "{}件の投稿ツールを登録しました。利用キーは {} にあります（0600）。配ったら消してください。",
            rows.len(),
            path.display()
        )),
        // Alone on standard output, so that it can be redirected whole.
        None => io.say(listed(rows, keys).trim_end()),
    }
}

/// Reads the list; every problem with its line.
fn read(file: &Path) -> Result<Vec<Row>, Vec<String>> {
    use std::io::Read as _;
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| vec![format!(" {error}")])?;
    opened.take(LARGEST).read_to_string(&mut text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => vec![" UTF-8 ではありません。「CSV UTF-8」で保存してください。".to_owned()],
        _ => vec![format!(" {error}")],
    })?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Row>, Vec<String>> {
    // Spreadsheets write a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|error| vec![format!("1: {error}")])?.clone();
    let known: BTreeSet<&str> = names.iter().collect();
    if known.len() != names.len() || names.iter().any(|name| !COLUMNS.contains(&name)) {
        return Err(vec![format!("1: 見出しは {} です", COLUMNS.join(","))]);
    }
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    // The reader counts from the end of the record before, which may lie some empty lines above.
    let line_of = |position: Option<&csv::Position>| {
        let from = position.and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or_default();
        let rest = text.get(from..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        1 + text.bytes().take(from + blank).filter(|byte| *byte == b'\n').count() as u64
    };
    for record in reader.into_records() {
        let read = record.and_then(|record| {
            let line = line_of(record.position());
            record.deserialize::<Written>(Some(&names)).map(|written| (line, written))
        });
        match read {
            Ok((line, written)) => match row(line, written) {
                Ok(row) => rows.push(row),
                Err(what) => problems.push(format!("{line}: {what}")),
            },
            Err(error) => {
                let line = line_of(error.position());
                problems.push(format!("{line}: 項目の数が見出しと合わないか、読み取れません（{error}）"));
            }
        }
    }
    if rows.is_empty() && problems.is_empty() {
        problems.push("1: 一件もありません".to_owned());
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

/// Lists within a field are divided by spaces or semicolons.
fn row(line: u64, written: Written) -> Result<Row, String> {
    let words = |text: &str| -> Vec<String> {
        text.split([' ', ';', '　']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let mut actions = Vec::new();
    for word in words(&written.scopes) {
        let action = Action::ALL.into_iter().find(|action| action.as_str() == word);
        actions.push(action.ok_or_else(|| format!("scopes「{word}」という操作はありません"))?);
    }
    let until = match written.until.as_str() {
        "" => None,
        date => Some(date.parse().map_err(|_| format!("until「{date}」は 2027-03-31 の形の日付ではありません"))?),
    };
    let accounts = words(&written.accounts);
    if written.id.is_empty() || written.owner.is_empty() || accounts.is_empty() || actions.is_empty() {
        return Err("id、owner、accounts、scopes は空にできません".to_owned());
    }
    Ok(Row { line, id: written.id, owner: written.owner, accounts, actions, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_from_a_spreadsheet_is_read_with_its_lines() {
        let text = "\u{feff}id,owner,accounts,scopes,until\r\n\"pc-1\",tanto,nerima-x nerima-line,publish;upload,2027-03-31\r\n\r\npc-2,tanto,nerima-x,read,\r\n";
        let rows = parse(text).unwrap();
        assert_eq!(rows.iter().map(|row| (row.line, row.id.as_str())).collect::<Vec<_>>(), [(2, "pc-1"), (4, "pc-2")]);
        assert_eq!(rows[0].accounts, ["nerima-x", "nerima-line"]);
        assert_eq!(rows[0].actions, [Action::Publish, Action::Upload]);
        assert_eq!((rows[0].until.is_some(), rows[1].until), (true, None));
    }

    #[test]
    fn every_line_that_is_wrong_is_named() {
        let text = "id,owner,accounts,scopes,until\npc-1,tanto,nerima-x,pubish,\npc-2,tanto,,read,\npc-3,tanto,nerima-x,read,31.3.2027\npc-4,tanto\n";
        let problems = parse(text).unwrap_err();
        for (at, line) in ["2:", "3:", "4:", "5:"].into_iter().enumerate() {
            assert!(problems[at].starts_with(line), "{problems:?}");
        }
        assert_eq!(problems.len(), 4);
        for header in ["id,owner,accounts,scopes,key", "id,id,owner,accounts,scopes", "id;owner;accounts;scopes"] {
            assert!(parse(&format!("{header}\na,b,c,d,e\n")).is_err(), "{header}");
        }
        assert!(parse("id,owner,accounts,scopes\n").is_err());
        assert!(parse("").is_err());
    }
}
