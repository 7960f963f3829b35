//! One byte changed anywhere in what is stored is found, with the index at which it shows.

use super::*;

async fn town_with_posts(posts: u32) -> (Stage, Arc<Ledger>) {
    let stage = Stage::new();
    let ledger = stage.open();
    for n in 0..posts {
        let (_, open) = permitted(ledger.enter(stage.approved(n, &format!("a{n:04}"))).await.unwrap()).depart();
        ledger.close(open, published(), Vec::new()).await.unwrap();
    }
    (stage, ledger)
}

fn check(ledger: &Ledger) -> Result<verify::Verified, verify::Damage> {
    let Ok(vkey) = ledger.vkey("nerima") else { panic!("no key") };
    match verify::verify(&ledger.logbook(), "nerima", &vkey, Some(&ledger.shared.keyring)) {
        Ok(verified) => Ok(verified),
        Err(verify::Unverified::Damaged(damage)) => Err(damage),
        Err(verify::Unverified::Down(down)) => panic!("{down}"),
    }
}

/// SQL that flips the lowest bit of byte `at` of a BLOB.
fn flip(table: &str, column: &str, at: usize, row: &str) -> String {
    format!(
        "UPDATE {table} SET {column} = CAST(substr({column}, 1, {at}) || unhex(printf('%02x',
         (instr('0123456789abcdef', lower(substr(hex({column}), {high}, 1))) - 1) * 16
         + ((instr('0123456789abcdef', lower(substr(hex({column}), {low}, 1))) - 1) ^ 1)))
         || substr({column}, {at} + 2) AS BLOB) WHERE {row}",
        high = at * 2 + 1,
        low = at * 2 + 2,
    )
    .replace("^ 1)", "+ 1) % 16")
}

#[tokio::test]
async fn a_flipped_byte_is_found_in_every_table_and_its_index_is_named() {
    let (stage, ledger) = town_with_posts(140).await;
    assert_eq!(check(&ledger).unwrap().size, 280);
    let log = "(SELECT id FROM log WHERE name = 'nerima')";
    let row = |index: u64| format!("id = {log} * 1099511627776 + {index}");
    let cases = [
        ("record", "leaf", 0, row(0), 0..=0),
        ("record", "leaf", 100, row(7), 7..=7),
        ("record", "leaf", 60, row(279), 279..=279),
        ("record", "hash", 31, row(130), 130..=130),
        ("payload", "sealed", 3, row(4), 4..=4),
        ("payload", "sealed", 40, row(200), 200..=200),
        ("tile", "data", 32 * 77, format!("log = {log} AND level = 0"), 77..=77),
        ("head", "frontier", 5, format!("log = {log}"), 279..=279),
    ];
    for (table, column, at, row, indexes) in cases {
        let restore = format!("UPDATE {table} SET {column} = (SELECT kept FROM backup), rowid = rowid WHERE {row}")
            .replace(", rowid = rowid", "");
        raw(&stage.database(), &format!("CREATE TABLE backup AS SELECT {column} AS kept FROM {table} WHERE {row}"));
        assert_eq!(raw(&stage.database(), &flip(table, column, at, &row)), 1, "{table}.{column}");
        let damage = check(&ledger).expect_err(table);
        assert!(indexes.contains(&damage.index), "{table}.{column}: {damage}");
        raw(&stage.database(), &format!("{restore}; DROP TABLE backup"));
        check(&ledger).unwrap();
    }
}

#[tokio::test]
async fn a_changed_checkpoint_a_lost_entry_and_a_rewritten_one_are_found() {
    let (stage, ledger) = town_with_posts(3).await;
    let log = "(SELECT id FROM log WHERE name = 'nerima')";
    let cases = [
        (
            format!(
                "UPDATE head SET note = substr(note, 1, length(note) - 9)
                || CASE substr(note, -9, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(note, -8) WHERE log = {log}"
            ),
            5,
        ),
        (format!("UPDATE head SET note = replace(note, '/nerima', '/nagano') WHERE log = {log}"), 5),
        (format!("UPDATE head SET size = size - 1 WHERE log = {log}"), 4),
        (format!("DELETE FROM record WHERE id = {log} * 1099511627776 + 3"), 3),
        (format!("DELETE FROM record WHERE id = {log} * 1099511627776 + 5"), 5),
        (format!("UPDATE outcome SET outcome = 'not-sent' WHERE id = {log} * 1099511627776 + 2"), 2),
    ];
    let clean = std::fs::read(stage.database()).unwrap();
    assert!(!clean.is_empty());
    for (sql, index) in cases {
        let copy = Stage::new();
        raw(&stage.database(), &format!("VACUUM INTO '{}'", copy.database().display()));
        assert_eq!(raw(&copy.database(), &sql), 1, "{sql}");
        let mut store = copy.config.store.clone();
        store.url = format!("sqlite://{}", copy.database().display());
        let book = read::Logbook::of_database(&store).unwrap();
        let vkey = ledger.vkey("nerima").unwrap();
        match verify::verify(&book, "nerima", &vkey, None) {
            Err(verify::Unverified::Damaged(damage)) => assert_eq!(damage.index, index, "{sql}: {damage}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_gateway_does_not_go_on_with_a_damaged_head() {
    let (stage, ledger) = town_with_posts(3).await;
    ledger.close_down();
    drop(ledger);
    raw(&stage.database(), "UPDATE record SET hash = zeroblob(32) WHERE id % 1099511627776 = 2");
    let problem = stage.try_open().err().unwrap();
    assert!(problem.reason.contains("ledger verify"), "{problem}");
}

#[tokio::test]
async fn a_destroyed_payload_leaves_the_log_whole() {
    let (_stage, ledger) = town_with_posts(2).await;
    let head = ledger.reads().head("nerima").unwrap().unwrap();
    let (key, _) = ledger.reads().entries_with_payloads(head.number, 0, 1).unwrap().remove(0).payload.unwrap();
    ledger.shared.keyring.destroy(key).unwrap();
    assert!(ledger.payload("nerima", 0).unwrap().is_none());
    let verified = check(&ledger).unwrap();
    assert_eq!((verified.payloads, verified.sealed_away), (1, 1));
}
