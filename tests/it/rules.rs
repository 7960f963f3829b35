//! The inspector's rules, the register and public lists at the command line, by the built binary.

use jiff::Timestamp;
use sekisho::domain::clock::{self, Clock as _, SystemClock};
use serde_json::json;

use crate::house::{House, run, sekisho};
use crate::stage::words;

const FAIR: &str = "【健康課】ねりまフェスは12月5日(土)です。";

fn post(house: &House, text: &str) -> crate::house::Answer {
    let headers = [
        ("Sekisho-Client", sekisho::demo::town::TOOL_KEY),
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer practice-credential"),
    ];
    crate::house::send(house.gateway, "POST", "/x/2/tweets", &headers, words(text).as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_rules_is_tried_on_the_posts_of_the_log_before_it_is_in_force() {
    let house = House::start("info").await;
    assert_eq!(post(&house, FAIR).status, 403, "held");
    assert_eq!(post(&house, "【部外秘】組織改正の案です。").status, 403, "refused");
    let as_it_is = house.command(&["rules", "check", "--last", "100"], "");
    assert_eq!((as_it_is.code, as_it_is.err.as_str()), (0, ""), "{}", as_it_is.out);
    assert!(as_it_is.out.contains("2 posts: 0 would newly be stopped, 0 newly let through"), "{}", as_it_is.out);

    let local = "[[extend]]\nrule = \"label.word\"\nwords = [\"ねりまフェス\"]\n\
                 [[disable]]\nrule = \"label.word-absent\"\nreason = \"試し\"\napproved_by = \"広聴広報課長\"\n";
    std::fs::write(house.path("local.toml"), local).unwrap();
    let layer = format!("[inspect]\nlocal = [\"{}\"]\n", house.path("local.toml").display());
    std::fs::write(house.path("layer.toml"), layer).unwrap();
    let check = |house: &House| {
        let mut command = sekisho();
        command.args(["rules", "check", "--last", "100", "--config"]).arg(house.path("sekisho.toml"));
        command.arg(house.path("layer.toml"));
        run(command, "")
    };
    let wrong = check(&house);
    assert_eq!(wrong.code, 1, "{}", wrong.out);
    assert!(wrong.err.contains("local.toml:4") || wrong.err.contains("local.toml:5"), "file and line: {}", wrong.err);

    std::fs::write(house.path("local.toml"), local.split("[[disable]]").next().unwrap()).unwrap();
    let changed = check(&house);
    assert_eq!((changed.code, changed.err.as_str()), (0, ""), "{}", changed.out);
    assert!(changed.out.contains("1 would newly be stopped, 0 newly let through"), "{}", changed.out);
    assert!(changed.out.lines().any(|line| line.starts_with("+ nerima 0 label.word")), "{}", changed.out);
    assert_eq!(house.provider.request_count(), 0, "a rehearsal sends nothing");
    assert!(!post(&house, FAIR).text.contains("表示"), "the rules in force are the old ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_is_kept_at_the_command_line_and_overrides_are_counted() {
    let house = House::start("info").await;
    // A minute in thirty days, as it is written in Japan.
    let minute = Timestamp::from_second((SystemClock.now().as_second() / 60 + 30 * 24 * 60) * 60).unwrap();
    let until = clock::in_japan(minute).strftime("%Y-%m-%dT%H:%M").to_string();
    let add =
        ["embargo", "add", "--person", "kacho", "--word", "ねりまフェス", "--until", &until, "--reason", "発表前"];
    let added = house.command(&add, "");
    assert_eq!((added.code, added.err.as_str()), (0, ""), "{}", added.out);
    assert!(added.out.contains(&clock::for_people(minute)), "{}", added.out);
    let listed = house.command(&["embargo", "list", "--person", "kacho", "--json"], "");
    let entry: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!((&entry["words"], &entry["until"]), (&json!(["ねりまフェス"]), &json!(minute)));
    let refused = post(&house, FAIR);
    assert!(refused.status == 403 && refused.text.contains("公表できない"), "{}", refused.text);
    let by_tanto =
        house.command(&["embargo", "lift", "--person", "tanto", "--reason", "?", entry["id"].as_str().unwrap()], "");
    assert_eq!(by_tanto.code, 1);
    let lifted = house
        .command(&["embargo", "lift", "--person", "kacho", "--reason", "発表した", entry["id"].as_str().unwrap()], "");
    assert_eq!((lifted.code, lifted.err.as_str()), (0, ""));
    assert!(!post(&house, FAIR).text.contains("公表できない"));
    let none = house.command(&["rules", "overrides"], "");
    assert_eq!((none.code, none.out.trim()), (0, "認められた指摘はありません。"), "{}", none.err);
}

#[test]
fn a_public_list_is_compared_and_its_additions_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let (list, plain, out) = (dir.path().join("misp.json"), dir.path().join("hosts.txt"), dir.path().join("new.txt"));
    let misp = json!({
        "name": "List of known URL Shorteners domains", "version": 27, "type": "hostname",
        "list": ["bit.ly", "new-shortener.example", "WWW.Other-Shortener.example", "not a host"],
    });
    std::fs::write(&list, misp.to_string()).unwrap();
    let import = |args: &[&std::path::Path]| {
        let mut command = sekisho();
        command.args(["lists", "import"]).args(args);
        run(command, "")
    };
    let told = import(&["--write".as_ref(), &out, &list]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    let added: Vec<&str> = told.out.lines().filter(|line| line.starts_with("+ ")).collect();
    assert_eq!(added, ["+ new-shortener.example", "+ other-shortener.example"]);
    assert!(told.out.contains("version 27: 3 hosts, 2 new, 1 known already, 1 not readable"), "{}", told.out);
    assert_eq!(import(&["--write".as_ref(), &out, &list]).code, 3, "an existing file is not written over");

    std::fs::write(&plain, "# hosts\nbit.ly\nhttps://third-shortener.example/ # ours\n").unwrap();
    assert!(import(&[&plain]).out.starts_with("+ third-shortener.example\n"));
    std::fs::write(&plain, "nothing here\n").unwrap();
    assert_eq!(import(&[&plain]).code, 1);

    // With the additions in force, nothing is new any more, and the built-in ones are still known.
    let config = dir.path().join("layer.toml");
    std::fs::write(&config, format!("[inspect]\nshorteners = [\"builtin:shorteners\", \"{}\"]\n", out.display()))
        .unwrap();
    let told = import(&["--config".as_ref(), &config, &list]);
    assert!(told.code == 0 && told.out.contains("0 new, 3 known already"), "{} {}", told.out, told.err);
}
