//! A report as a page.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use world::Language;

use super::{Judged, Report, Row, ValueRow};
use crate::Tally;

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: left } tbody tr:nth-child(odd) { background: #8881 }
article { display: flex; gap: 1rem; margin: 1rem 0; padding: .8rem; border: 1px solid #8884; border-radius: 6px }
video { width: 160px; image-rendering: pixelated; background: #8882 } figure { margin: 0 } figcaption { font-size: .85em; opacity: .7 }
.right { border-left: 4px solid #2a4 } .wrong { border-left: 4px solid #c33 } ul { margin: .3rem 0; padding-left: 1.2rem }";

pub(super) fn page(report: &Report) -> String {
    let summary = report.summary();
    let mut page = String::new();
    let title = format!("{} on {} prompts", escape(&report.model), escape(&report.set));
    page += &format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n<h1>{title}</h1>\n"
    );
    page += "<p>Shares with intervals of 95 %, each clip counted as one apart from all others. <em>Real</em>: the world's own clips of the same scenes. <em>Chance</em>: the \
             model's clips, judged by the prompt of another scene.</p>\n";
    page += "<table><thead><tr><th>what<th>model<th>interval<th>of";
    Language::ALL.iter().for_each(|language| page += &format!("<th>{language:?}"));
    page += "<th>real<th>chance</tr></thead><tbody>\n";
    for Row { what, made, languages, real, chance } in &summary.rows {
        let by_language: String =
            languages.iter().map(|(_, tally)| format!("<td>{}", tally.percent())).collect();
        let _ = writeln!(
            page,
            "<tr><td>{what}<td><b>{}</b><td>{}<td>{}{by_language}<td>{}<td>{}</tr>",
            made.percent(),
            interval(made),
            made.all,
            real.percent(),
            chance.percent()
        );
    }
    page += "</tbody></table>\n<details><summary>By what is claimed</summary><table><thead><tr><th>what<th>claimed<th>model\
             <th>interval<th>of<th>real</tr></thead><tbody>\n";
    for ValueRow { what, value, made, real } in &summary.values {
        let _ = writeln!(
            page,
            "<tr><td>{what}<td>{}<td><b>{}</b><td>{}<td>{}<td>{}</tr>",
            escape(value),
            made.percent(),
            interval(made),
            made.all,
            real.percent()
        );
    }
    page += "</tbody></table></details>\n<ul>\n";
    for (language, tally) in &summary.languages {
        let _ =
            writeln!(page, "<li>all of the prompt, {language:?}: {} of {}</li>", tally.percent(), tally.all);
    }
    let _ = writeln!(page, "<li>{}</li>\n</ul>", summary.measures());
    page += "<h2>The clips, the worst first</h2>\n";
    let mut made: Vec<&Judged> = report.made.iter().collect();
    made.sort_by(|a, b| a.verdict.score().total_cmp(&b.verdict.score()));
    for judged in made {
        let real = report.real.iter().find(|real| real.prompt == judged.prompt);
        page += &article(judged, real);
    }
    page + "</html>\n"
}

fn interval(tally: &Tally) -> String {
    let [low, high] = tally.interval().map(|bound| 100.0 * bound);
    format!("{low:.0} to {high:.0} %")
}

/// A clip, the real one, and what is wrong.
fn article(judged: &Judged, real: Option<&Judged>) -> String {
    let Judged { prompt, seed, verdict, .. } = judged;
    let class = if verdict.all_right { "right" } else { "wrong" };
    let mut article = format!("<article class=\"{class}\">");
    article += &figure("made", &judged.mp4);
    if let Some(real) = real {
        article += &figure("real", &real.mp4);
    }
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    article += &format!("<div><b>{}</b><br>score {:.2}{seed}<ul>", escape(&prompt.prompt), verdict.score());
    for finding in verdict.findings.iter().filter(|finding| !finding.holds) {
        let (expected, found) = (escape(&finding.expected), escape(&finding.found));
        article += &format!("<li>{}: expected {expected}, found {found}</li>", finding.claim.name());
    }
    article + "</ul></div></article>\n"
}

fn figure(caption: &str, mp4: &[u8]) -> String {
    format!(
        "<figure><video src=\"data:video/mp4;base64,{}\" autoplay loop muted playsinline></video><figcaption>{caption}\
         </figcaption></figure>",
        STANDARD.encode(mp4)
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
