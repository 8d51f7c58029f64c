//! What stands in a table is code of a test: it compiles, and it is run.

const ROOMS: &str = include_str!("../../../../sio-actix/src/docs/guide/rooms.md");
const MIGRATING: &str = include_str!("../../../../sio-actix/src/docs/guide/migrating.md");

const OTHER_SERVERS: [&str; 5] = [
    include_str!("other_servers/mod.rs"),
    include_str!("other_servers/node.rs"),
    include_str!("other_servers/midway.rs"),
    include_str!("other_servers/nest.rs"),
    include_str!("other_servers/socketioxide.rs"),
];

/// The code in the tables' column `sio`.
fn cells(page: &str) -> Vec<String> {
    let mut column = None;
    let mut found = Vec::new();
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            if !line.starts_with("|-") {
                column = None;
            }
            continue;
        };
        // A bar within code is escaped.
        let row = row.replace("\\|", "\u{1}");
        let columns: Vec<&str> = row.split(" | ").collect();
        match column {
            None => column = columns.iter().position(|head| *head == "sio"),
            Some(column) => {
                let code = columns[column].split('`').skip(1).step_by(2);
                found.extend(code.map(|code| code.replace('\u{1}', "|")));
            }
        }
    }
    found
}

/// Without white space and what rustfmt adds to broken lines.
fn dense(code: &str) -> String {
    code.replace(char::is_whitespace, "").replace(",)", ")")
}

/// The parts around `…` and `..` stand in the code in this order.
fn is_in(cell: &str, code: &str) -> bool {
    let mut rest = code;
    let cell = dense(cell).replace('…', "..");
    cell.split("..").filter(|part| !part.is_empty()).all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

fn missing(page: &str, code: &[&str]) -> Vec<String> {
    let code = dense(&code.concat());
    cells(page).into_iter().filter(|cell| !is_in(cell, &code)).collect()
}

#[test]
fn a_cell_is_found_by_its_parts_in_order() {
    let page = "| a | sio |\n|---|---|\n| `x` | text `f(1, ..)` \\| and `\\|ns\\| …` |\n\n| other |\n|---|\n| `no` |\n";
    assert_eq!(cells(page), ["f(1, ..)", "|ns| …"]);
    assert!(is_in("f(1, ..)", &dense("f(1,\n 2,\n)")));
    assert!(!is_in("f(2, ..)", &dense("f(1, 2)")));
    assert!(!is_in("b..a", "ab"));
}

#[test]
fn each_line_of_the_cheat_sheet_is_tried() {
    assert!(cells(ROOMS).len() >= 20);
    assert_eq!(missing(ROOMS, &[include_str!("cheat_sheet.rs")]), [""; 0]);
}

#[test]
fn each_line_about_other_servers_is_tried() {
    assert!(cells(MIGRATING).len() >= 60);
    assert_eq!(missing(MIGRATING, &OTHER_SERVERS), [""; 0]);
}
