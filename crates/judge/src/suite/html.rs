//! A suite as a page.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Case, Row, Strip, Suite};
use crate::report::escape;

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: left } tbody tr:nth-child(odd) { background: #8881 }
article { margin: 1rem 0; padding: .8rem; border: 1px solid #8884; border-radius: 6px }
img { display: block; max-width: 100%; image-rendering: pixelated } figure { margin: .3rem 0 } figcaption { font-size: .85em; opacity: .7 }
.right { border-left: 4px solid #2a4 } .wrong { border-left: 4px solid #c33 } b.wrong { border: 0; color: #c33 } p { margin: .2rem 0 }";

pub(super) fn page(suite: &Suite, rows: &[Row]) -> String {
    let title = format!("{}: tasks that begin from pictures", escape(&suite.model));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n<h1>{title}</h1>\n<table><thead><tr><th>task<th>what<th>each\
         <th>holds<th>of<th>interval<th>asked<th>median</tr></thead><tbody>\n"
    );
    for row in rows {
        let Row { task, what, tally, median, bar, share } = row;
        let [low, high] = tally.interval().map(|bound| format!("{:.0}", 100.0 * bound));
        let asked = share.map_or_else(|| "–".into(), |share| format!("{:.0} %", 100.0 * share));
        let class = if row.is_reached() == Some(false) { "wrong" } else { "" };
        let _ = writeln!(
            page,
            "<tr><td>{task}<td>{what}<td>{}<td><b class=\"{class}\">{}</b><td>{}<td>{low} to {high} %<td>{asked}<td>{median:.2}\
             </tr>",
            bar.words(),
            tally.percent(),
            tally.all,
        );
    }
    page += "</tbody></table>\n";
    let mut task = "";
    for case in &suite.cases {
        if case.task != task {
            task = case.task;
            let _ = writeln!(page, "<h2>{task}</h2>");
        }
        page += &article(case);
    }
    page + "</html>\n"
}

fn article(case: &Case) -> String {
    let all = case.checks.iter().all(super::Check::holds);
    let class = if all { "right" } else { "wrong" };
    let mut article =
        format!("<article class=\"{class}\"><p><b>{}</b> {}</p><p>", case.number, escape(&case.prompt));
    for check in &case.checks {
        let class = if check.holds() { "" } else { "wrong" };
        let missed =
            if check.missed.is_empty() { String::new() } else { format!(" ({})", check.missed.join(", ")) };
        let _ = write!(
            article,
            "{}: <b class=\"{class}\">{:.2}</b>{}; ",
            check.what,
            check.value,
            escape(&missed)
        );
    }
    article += "</p>";
    for Strip { caption, png } in &case.strips {
        let _ = write!(
            article,
            "<figure><img src=\"data:image/png;base64,{}\" alt=\"\"><figcaption>{}</figcaption></figure>",
            STANDARD.encode(png),
            escape(caption)
        );
    }
    article + "</article>\n"
}
