//! A goal in words finds the files and functions of a small tree.

use proptest::prelude::*;
use wainwright_indexer::rank::{Ranker, Ranking, TreeEntry};

const FILES: &[(&str, &str)] = &[
    (
        "shop/cart.py",
        "class Cart:\n    def add(self, item):\n        self.items.append(item)\n\n    def total(self):\n        return sum(i.price for i in self.items)\n",
    ),
    (
        "shop/voucher.py",
        "def apply_voucher(cart, code):\n    \"\"\"Lower the price.\"\"\"\n    return cart.total() - code.worth\n",
    ),
    ("shop/mail.py", "def send_receipt(address, text):\n    smtp.send(address, text)\n"),
    ("shop/store.py", "def save(order):\n    database.insert(order)\n"),
    (
        "tests/test_voucher.py",
        "def test_expired_voucher():\n    assert apply_voucher(cart, expired) is None\n",
    ),
    ("README.md", "A shop with vouchers.\n"),
];

fn entries(files: &[(&str, &str)]) -> Vec<TreeEntry> {
    let entry = |(path, text): &(&str, &str)| TreeEntry {
        path: (*path).to_owned(),
        object: (*path).to_owned(),
        size: text.len() as u64,
    };
    files.iter().map(entry).collect()
}

fn asked(files: &[(&str, &str)], log: &str, query: &str) -> Ranking {
    let mut ranker = Ranker::default();
    ranker.read_history(log);
    let tree = entries(files);
    for object in ranker.missing(&tree) {
        let text = files.iter().find(|(path, _)| *path == object).map_or("", |(_, text)| text);
        ranker.supply(&object, &object, text.as_bytes().to_vec());
    }
    ranker.rank(&tree, "c1", query, 20)
}

#[test]
fn sources_come_first_and_say_why() {
    let ranking = asked(FILES, "", "An expired voucher must be refused");
    assert_eq!(ranking.files[0].path, "shop/voucher.py");
    assert_eq!(ranking.functions[0].name, "apply_voucher");
    assert_eq!((ranking.functions[0].start_line, ranking.functions[0].end_line), (1, 3));
    assert!(ranking.files[0].why.iter().any(|reason| reason.contains("test_voucher.py")), "{ranking:?}");
    let roles: Vec<&str> = ranking.files.iter().map(|file| file.role.name()).collect();
    let sources = roles.iter().take_while(|role| **role == "source").count();
    assert!(roles[sources..].iter().all(|role| *role != "source"), "{roles:?}");
    assert!(roles.contains(&"test"));
}

#[test]
fn history_speaks_for_files_whose_words_do_not() {
    let log = "\u{1}c1\u{2}c0\u{2}Keep the invoices for ten years\u{2}\nM\tshop/store.py\n\u{1}c0\u{2}\u{2}Start\u{2}\nA\tshop/store.py\n";
    let ranking = asked(FILES, log, "Invoices vanish after ten years");
    assert_eq!(ranking.files[0].path, "shop/store.py");
    assert!(ranking.files[0].why.iter().any(|reason| reason.contains("earlier change")), "{ranking:?}");
    // What a later change says is not known at an earlier one.
    let mut ranker = Ranker::default();
    ranker.read_history(log);
    let tree = entries(FILES);
    for (path, text) in FILES {
        ranker.supply(path, path, text.as_bytes().to_vec());
    }
    let before = ranker.rank(&tree, "c0", "Invoices vanish after ten years", 20);
    assert!(before.files.iter().all(|file| file.why.iter().all(|reason| !reason.contains("earlier change"))));
}

#[test]
fn the_same_question_has_the_same_answer() {
    let query = "total of the cart with a voucher";
    assert_eq!(asked(FILES, "", query), asked(FILES, "", query));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_query_and_text_is_answered(query in ".{0,200}", text in "(?s).{0,400}", path in "[a-zA-Z_./-]{0,30}", log in "(?s).{0,200}") {
        let files = [(path.as_str(), text.as_str()), ("a.py", "def f():\n    pass\n")];
        let ranking = asked(&files, &format!("\u{1}c1\u{2}\u{2}{query}\u{2}\nM\t{path}\n{log}"), &query);
        prop_assert!(ranking.files.len() <= 20 && ranking.functions.len() <= 20);
    }
}
