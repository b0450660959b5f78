"""Records what diffusers' WanPipeline makes of prompts before it reads them, with ftfy installed.

Its functions `prompt_clean` and those that it calls are taken from the source of diffusers, so that
torch need not be installed. The result is `prompts.json`: pairs of a prompt and what is read of it.

    pip install diffusers==0.42.1 --no-deps
    pip install ftfy==6.3.1 regex
    python crates/engine/goldens/prompts.py
"""

import ast
import html
import importlib.metadata
import importlib.util
import json
from pathlib import Path

import ftfy
import regex

PLAIN = [
    "a red ball bounces on the grass",
    "一个红色的球在草地上弹跳",
    "café, naïve, Ångström, über, São Paulo, İstanbul, Kraków",
    "Привет, мир: красный мяч",
    "Ένα κόκκινο μπαλάκι",
    "כדור אדום על הדשא",
    "كرة حمراء على العشب",
    "赤いボールが草の上で跳ねる",
    "빨간 공이 잔디 위에서 튄다",
    "लाल गेंद घास पर",
    "ลูกบอลสีแดง",
    "👩‍🚀 an astronaut 🚀 and a 🏳️‍🌈 flag, 1️⃣ 👍🏽",
]

# Text that is read wrongly in `mojibake`.
ORIGINALS = PLAIN[1:] + [
    "it’s a “red” ball — big…",
    "‘single’ „low“ ‚quotes‘ «guillemets» ‹x›",
    "à la mode, déjà vu, às vezes, àquela hora, à",
    "£5, €10, ¥20, 20 °C, ½ of ¼, ±3 µm, ×2, §7, ©®™",
    "naïve\u00a0café\u00a0– Š Ž œ Œ ÿ",
    "✓ ★ ☂ → ♥ ∞ ≤ ≥",
    "Zażółć gęślą jaźń; Příliš žluťoučký kůň; Árvíztűrő tükörfúrógép",
    "Ģimene, āboliņš, ēst, žāvēt; Türkçe ğüşıöç İ",
    "ñandú, ¿qué?, ¡olé!",
    "1 – 2 — 3 ― 4 • 5 · 6",
]

READ_AS = [
    "latin-1", "windows-1252", "windows-1251", "windows-1250", "windows-1253", "windows-1254", "windows-1257",
    "iso-8859-2", "macroman", "cp437",
]

BY_HAND = [
    # Quotes, apostrophes, dashes.
    "it’s a dog", "“red” and ‘blue’ balls", "‚low‘ „low“ ‛high‟", "a – b — c … d", "rock ʼnʼ roll", "ŉ",
    "l’été, d’où, l'été", "5′ 6″ tall", "«guillemets»", "「引号」『引号』“引号”‘引号’", "她说：“红球！”",
    # Full width, half width.
    "一个红色的球，在草地上弹跳。", "ＬＯＵＤ　ＮＯＩＳＥＳ", "Ｕﾀｰﾝ ｶﾞｷﾞｸﾞ ﾊﾟ", "（红）！？：；～＂＇＜＞＆ａｍｐ；", "１２３％＋－＝",
    "ﾡﾢﾤ ￠￡￢￣￤￥￦ ￨￩￪￫￬￭￮", "、。《》【】", "\u3000红球\u3000\u3000",
    # Ligatures and digraphs.
    "ﬁre ﬂag oﬀ eﬃcient baﬄe ﬅop ﬆop", "Ĳsland ĳs Ǆ ǅ ǆ Ǉ ǈ ǉ Ǌ ǋ ǌ Ǳ ǲ ǳ", "æther Œuvre œuf ß ﬓ ﬔ",
    # HTML.
    "Tom &amp; Jerry &lt;3", "&amp;quot;fog&amp;quot;", "&amp;amp;amp;", "&amp;amp;amp;amp;lt;b&gt;", "<b>&amp;</b>",
    "<i> &eacute; &amp;eacute;", "caf&eacute; &#233;&#xE9; &#x1F3C0;", "a&nbsp;b", "&copy &ampx &notaname; 5 & 6; &#0;",
    "P&EACUTE;REZ &NTILDE;&Ntilde;&ntilde;&nTILDE; BUNDESSTRA&SZLIG;E", "&semi;&comma;&excl;", "&#59; &#38;amp; &#x26;lt;",
    "&notit; &notin; &not in", "&#128; &#x80; &#x99; &#150; &#133; &#x85;", "&#1; &#8; &#11; &#31; &#127; &#xFFFE; &#64976;",
    "&#xD800; &#x110000; &#99999999999999999999;", "&#13;&#10; &#9;", "&", "&&amp;&", "&;", "&#;", "&#x;", "&#xZZ;", "&#12ab;",
    "AT&T &AMP; &amp", "&lt &gt &quot &apos", "&Jscr;ohn &HilbertSpace;ancock", "&CounterClockwiseContourIntegral;",
    "&thisnameislongerthanthirtytwoletters; &ltthisnameislongerthanthirtytwoletters", "&FRAC12; &frac12; &ALEFSYM; &ALPHA;",
    "line one &amp; x\n<b> &amp; y\nline three &amp; z", "x &lt; y\nz &lt; w", "&NBSP;x&nbsp;", "&nbsp;", "&fjlig; &NotEqualTilde;",
    "one &amp;amp; <two> &amp;amp;", "&lt;b&gt;bold&lt;/b&gt;", "&EACUTE &EACUTE; &EGRAVEX;", "&#32;&#160;&#8203;x",
    # Spaces, line breaks, control characters, escapes.
    "  a red\tball\n\nbounces ", "a\r\nb\rc\u2028d\u2029e\u0085f", "a\u00a0b\u2003c\u200ad\u202fe\u205ff\u1680g",
    "zero\u200bwidth\u200cjoin\u200der\u2060\ufeff", "\ufeffbyte order mark", "a\0b\x01c\x07d\x08e\x0bf\x0cg\x0eh\x1fi\x7fj",
    "\x1b[36;44mblue\x1b[0m and \x1b[1mbold", "\x1b[2J\x1b[H", "\x1b[٣m \x1b[;;m \x1b[ m \x1b[31", "\x1c\x1d\x1e\x1f",
    "soft\u00adhyphen", "\u202eright to left\u202c \u200e\u200f", "\u206a\u206f\ufff9a\ufffab\ufffb\ufffc", "a\ufffdb \ufffd",
    # Normalization.
    "cafe\u0301 A\u030a n\u0303", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u212b \u2126 \u212a", "e\u0323\u0302 e\u0302\u0323",
    "10³ µ ½ ﷺ", "\u0344 \u0958 \u2adc",
    # Mojibake.
    "itâ€™s a dog", "â€œredâ€\x9d ball", "â€œ like this â€�", "cafÃ©", "Ã©tÃ©", "voilÃ  le travail", "Ã la mode", "fÃ cil Ã s vezes",
    "Ã quela Ã quilo", "Ã", "Â", "Â©2020", "Â£5 Â°C Â½", "ÃƒÂ©", "ÃƒÆ’Ã‚Â©", "Ã¢â‚¬â„¢", "ï»¿ball", "ä¸€ä¸ªç\xba¢è‰²çš„çƒ",
    "ç‹—", "æ—¥æœ¬èªž", "ÐšÑ€Ð°Ñ\x81Ð½Ñ‹Ð¹", "Ð\x9fÑ€Ð¸Ð²ÐµÑ‚", "РљСЂР°СЃРЅС‹Р№ РјСЏС‡", "вЂњredвЂќ", "ГўВЂВ™s", "Î•Î»Î»Î·Î½Î¹ÎºÎ¬",
    "Ø§Ù„Ø¹Ø±Ø¨ÙŠØ©", "ðŸ˜€ smile", "ðŸ’©", "\xf0\x9f\x98\x81", "í ½í¸€", "\xed\xa0\xbd\xed\xb8\x80", "Ã€\x80 null", "À\x80",
    "√© √† la mode", "‚Äôs ‚Äúred‚Äù", "â\x80\x99s", "â\x80\x9cred\x94", "\x93red\x94 \x85 \x96", "It\x92s", "caf\xe9 \x80 5",
    "Ôªøball", "ΓÇÖs ΓÇ£redΓÇ¥", "├⌐t├⌐", "β€™s β€œredβ€", "ā€™s ā€œredā€", "ÅŸÄ±ÅŸ", "Ă©tĂ© â€žlowâ€ť", "Å›wiat Å¼Ã³Å‚Å‚",
    "mix of Ã© and 红球", "红球 â€œcafÃ©â€\x9d", "Ã©tÃ© – été", "good é then bad Ã© then ☃", "(à®°) à²µ à¹„à¸—à¸¢", "â€¢ item â€“ x â€” y â€¦",
    "(°◡°) ಠ_ಠ ¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻", "│┌┐ box ═ ▒", "┌─┐ │x│ └─┘", "Ò_Ó Ù_Ú", "œ œuf Œ Œuvre", "Î± Ã— Â²", "× ²", "20 Â °C",
    "HÃ¤user fÃ¼r BÃ¼rger, StraÃŸe", "Ã…ngstrÃ¶m Ã…", "Å Å½ Å¡ Å¾", "Ã±andÃº Â¿quÃ©?", "Ñ\x82Ñ\x8b", "\u0081\u008d\u008f\u0090\u009d",
    "caf\u00e9\u0081", "Ã\xad Ã\xa0 Ã¡", "?Ã? Ã\ufffd Â? â\ufffd\ufffd", "â€? â€\ufffd ä\ufffd\xad ð\ufffd\ufffd\ufffd", "\x1a â€\x1a™",
    "AÃ\u0081A Í ", "ê°•ì•„ì§€", "ã\x83\xbcã‚¹", "à¤•à¥\x81à¤¤à¥\x8dà¤¤à¤¾", "Ä\x8d Ä\x9b Å\x99", "â„¢ â‚¬ â†’ âˆž â™¥", "doubleÂ\xa0space", "endÂ", "aÂ b. Â c",
    "Ýmoji Ð©", "þorn ð eth", "ƒ ˆ ˜ ¤ ¨ ¸ alone", "ªº ¦ ¬ ¯ together ¤¦¬", "5€ – £6 § ¶", "l\u00b4eau d´or", "Ãtna", "SÃO PAULO", "AÇÃO É",
    "VÎ\u0391", "Ë is a letter", "£Ø×", "naïve “café” at 5 ½ °C", "François’s œuvre", "Škoda Žižkov", "ÂÀ la carte", "PARCE QUE SUR LEURS PLAQUES IL Y MARQUÉ…",
]


def mojibake(text: str, encoding: str) -> str:
    """The UTF-8 of a text read as another encoding; where that has no letter, as ftfy reads it."""
    sloppy = f"sloppy-{encoding}" if encoding.startswith("windows") else encoding
    return text.encode().decode(sloppy)


def prompt_clean():
    """The function of diffusers' source."""
    folder = Path(importlib.util.find_spec("diffusers").submodule_search_locations[0])
    tree = ast.parse((folder / "pipelines/wan/pipeline_wan.py").read_text())
    names = {"basic_clean", "whitespace_clean", "prompt_clean"}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    scope = {"ftfy": ftfy, "html": html, "re": regex, "is_ftfy_available": lambda: True}
    exec(compile(ast.Module(functions, []), "pipeline_wan.py", "exec"), scope)
    return scope["prompt_clean"]


def main() -> None:
    clean = prompt_clean()
    prompts = PLAIN + ORIGINALS + BY_HAND
    prompts += [mojibake(text, encoding) for encoding in READ_AS for text in ORIGINALS]
    prompts += [mojibake(mojibake(text, "windows-1252"), "windows-1252") for text in ORIGINALS]
    prompts += [f"a {part} and {mojibake('“été”', encoding)}" for encoding in READ_AS for part in ("红球", "ball")]
    prompts += [mojibake(text, "windows-1252").replace("\u00a0", " ") for text in ORIGINALS]
    prompts += [text.encode().decode("windows-1252", "replace") for text in ORIGINALS]
    pairs = [[prompt, clean(prompt)] for prompt in dict.fromkeys(prompts)]
    record = {
        "made_by": {name: importlib.metadata.version(name) for name in ("diffusers", "ftfy")},
        "prompts": pairs,
    }
    lines = ",\n".join("    " + json.dumps(pair) for pair in pairs)
    header = json.dumps({"made_by": record["made_by"]})[:-1]
    Path(__file__).with_suffix(".json").write_text(f'{header}, "prompts": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
