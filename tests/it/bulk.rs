//! Client keys in bulk: many people share one address behind a screen-transfer gateway, so each tool has a key of its own.

use std::os::unix::fs::PermissionsExt as _;

use crate::house::{Answer, Ended, House, send};
use crate::stage::words;

const HEADER: &str = "id,owner,accounts,scopes,until\n";

fn import(house: &House, list: &str, more: &[&str]) -> Ended {
    let file = house.path("tools.csv");
    std::fs::write(&file, list).unwrap();
    let mut all = vec!["client", "import", file.to_str().unwrap(), "--person"];
    all.extend(more);
    house.command(&all, "")
}

fn post(house: &House, key: &str) -> Answer {
    let headers = [
        ("Sekisho-Client", key),
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer practice-credential"),
    ];
    send(house.gateway, "POST", "/x/2/tweets", &headers, words("まとめて登録した端末からのお知らせです。").as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_registered_at_once_and_each_key_works_from_then_on() {
    let house = House::start("info").await;
    let list = format!(
        "\u{feff}{HEADER}pc-1,tanto,nerima-x,publish;upload,2099-03-31\r\npc-2,tanto,nerima-x,publish read,\r\n"
    );
    let keys = house.path("keys.csv");
    let done = import(&house, &list, &["kacho", "--keys", keys.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert_eq!(keys.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&keys).unwrap();
    let keys: Vec<(&str, &str)> = text.lines().skip(1).map(|line| line.split_once(',').unwrap()).collect();
    assert_eq!(keys.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["pc-1", "pc-2"]);
    for (id, key) in &keys {
        assert!(!done.out.contains(key) && !done.err.contains(key), "a key stands on the screen as well");
        let held = post(&house, key);
        assert!(held.status == 403 && held.text.contains("nerima:11"), "{id}: {}", held.text);
        let last = house.command(&["ledger", "tail", "-n", "1"], "").out;
        assert!(last.contains(&format!("\"client\":\"{id}\"")), "{last}");
        assert!(!last.contains(key), "{last}");
    }
    let act = house.command(&["ledger", "tail", "-n", "3"], "").out;
    assert!(act.contains("\"act\":\"import-clients\"") && act.contains("\"clients\":\"pc-1 pc-2\""), "{act}");
    // Without a file they are printed, once.
    let printed = import(&house, &format!("{HEADER}pc-3,tanto,nerima-x,publish,\n"), &["kacho"]);
    let key =
        printed.out.lines().nth(1).and_then(|line| line.strip_prefix("pc-3,")).expect("the key is printed").to_owned();
    assert!(post(&house, &key).text.contains("nerima:11"));
    assert_eq!(house.provider.posts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_line_and_nothing_is_changed() {
    let house = House::start("info").await;
    let cases = [
        ("pc-2,tanto,nerima-x,pubish,\n", "pubish"),
        ("pc-2,tanto,nerima-x,publish,2020-01-01\n", "過去"),
        ("pc-2,dareka,nerima-x,publish,\n", "dareka"),
        ("pc-2,tanto,nagano-x,publish,\n", "nagano-x"),
        ("pc-1,tanto,nerima-x,publish,\n", "pc-1"),
        ("cms,tanto,nerima-x,publish,\n", "cms"),
        ("PC 2,tanto,nerima-x,publish,\n", "id は"),
        ("pc-2,tanto,nerima-x\n", "項目の数"),
    ];
    let keys = house.path("keys.csv");
    for (line, why) in cases {
        let list = format!("{HEADER}pc-1,tanto,nerima-x,publish,\n{line}");
        let refused = import(&house, &list, &["kacho", "--keys", keys.to_str().unwrap()]);
        assert_eq!(refused.code, 1, "{line}{}{}", refused.out, refused.err);
        let at_line = refused.err.contains("3行目") || refused.err.contains("tools.csv:3:");
        assert!(at_line && refused.err.contains(why), "{line}{}", refused.err);
        assert!(refused.out.is_empty() && !keys.exists(), "keys of nothing: {}", refused.out);
    }
    // Somebody who is not the accounts' manager registers nothing, either; and an old key file is never overwritten.
    let clerk = import(&house, &format!("{HEADER}pc-1,tanto,nerima-x,publish,\n"), &["tanto"]);
    assert!(clerk.code == 1 && clerk.err.contains("アカウント管理者だけ"), "{}", clerk.err);
    std::fs::write(&keys, "old").unwrap();
    let list = format!("{HEADER}pc-1,tanto,nerima-x,publish,\n");
    assert_eq!(import(&house, &list, &["kacho", "--keys", keys.to_str().unwrap()]).code, 3);
    assert_eq!(std::fs::read_to_string(&keys).unwrap(), "old");
    assert!(!house.command(&["ledger", "tail", "-n", "50"], "").out.contains("import-clients"));
    assert_eq!(import(&house, &list, &["kacho"]).code, 0, "nothing of the refused lists stayed behind");
}
