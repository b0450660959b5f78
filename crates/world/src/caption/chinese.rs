//! Chinese captions.
//!
//! Phrases are written here with a space between words, so that the vocabulary knows the words;
//! the caption closes the spaces.

use rand::{Rng, RngCore};

use super::{Content, between, mention::about, pick};
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::{Relation, Scene};

/// The caption of a scene, with marks.
pub(super) fn say(scene: &Scene, content: &Content, rng: &mut dyn RngCore) -> String {
    let bare = content.terse && rng.random_bool(0.4);
    let noun = |thing: usize, rng: &mut dyn RngCore| noun_phrase(scene, content, thing, bare, rng);
    let others = scene.things.len() > 1;
    let relates = others && content.relations && !(content.events && scene.events[0].action.needs_other());

    // The ground comes first where something else says where, or by choice.
    let names_ground_first = content.ground && (relates || others || rng.random_bool(0.3));
    let place = if relates {
        Some(relation_phrase(scene, &noun, rng))
    } else if content.ground && !names_ground_first {
        Some(format!("在 {}", ground(scene)))
    } else {
        None
    };

    let mut core = Vec::new();
    let only_ground = place.is_none() && names_ground_first && !content.events;
    if only_ground {
        // "草地上有一个红色的球"
        core.push(format!("{} 有", ground(scene)));
    }
    core.push(noun(0, rng));
    if content.events {
        core.push(predicate(scene, place.as_deref(), &noun, rng));
    } else {
        core.extend(place.clone());
        if others && !relates {
            core.extend((1..scene.things.len()).map(|thing| format!("和 {}", noun(thing, rng))));
        }
    }

    let mut before = Vec::new();
    if content.time_of_day {
        before.push(pick(time_of_day(scene.time_of_day), rng).to_owned());
    }
    let mut after = Vec::new();
    if content.weather {
        match pick(weather(scene.weather), rng) {
            setting if setting.ends_with('中') => before.push(setting.into()),
            own => after.push(own),
        }
    }
    if names_ground_first && !only_ground {
        before.push(ground(scene));
    }
    if content.camera {
        after.push(pick(camera(scene.camera), rng));
    }
    let core = core.join(" ");
    let parts: Vec<&str> = before.iter().map(String::as_str).chain([core.as_str()]).chain(after).collect();
    parts.join("，").replace(' ', "")
}

/// "一个红色的小球"
fn noun_phrase(scene: &Scene, content: &Content, thing: usize, bare: bool, rng: &mut dyn RngCore) -> String {
    let Some(is) = scene.things.get(thing) else { return String::new() };
    let mut words = Vec::new();
    if !bare {
        words.push(format!("一 {}", measure(is.kind)));
    }
    if content.colours[thing] {
        let colour = colour(is.colour);
        if is.kind == Kind::Person && rng.random_bool(0.5) {
            words.push(format!("穿 {colour} 衣服 的"));
        } else {
            let joint = if bare && rng.random_bool(0.3) { "" } else { "的" };
            words.push(format!("{colour} {joint}"));
        }
    }
    if content.sizes[thing] {
        words.push(size(is.size).into());
    }
    words.push(kind(is.kind).into());
    about(thing, &words.join(" "))
}

/// "在一个蓝色的立方体左边"
fn relation_phrase(
    scene: &Scene,
    noun: &dyn Fn(usize, &mut dyn RngCore) -> String,
    rng: &mut dyn RngCore,
) -> String {
    if let Some((left, right)) = between(scene) {
        return format!("在 {} 和 {} 之间", noun(left, rng), noun(right, rng));
    }
    let mut phrase = String::new();
    for neighbour in &scene.neighbours {
        if let Some(is) = neighbour.relation {
            phrase = format!("在 {} {}", noun(neighbour.thing, rng), pick(relation(is), rng));
        }
    }
    phrase
}

/// "在草地上向左滚动，然后停下"
fn predicate(
    scene: &Scene,
    place: Option<&str>,
    noun: &dyn Fn(usize, &mut dyn RngCore) -> String,
    rng: &mut dyn RngCore,
) -> String {
    let first = scene.events[0];
    let second = scene.events.get(1).copied();
    let in_order = second.is_some_and(|event| event.action != Action::Rests) && rng.random_bool(0.4);

    // "落到草地上" says the place as the end of the fall.
    let is_ground = place.is_some_and(|place| place.ends_with('上')) && scene.things.len() == 1;
    let mut words = if first.action == Action::Falls && is_ground && second.is_none() && rng.random_bool(0.5)
    {
        vec![FALLS_ONTO.to_owned(), ground(scene)]
    } else {
        let mut words: Vec<String> = Vec::new();
        let goes_on = !matches!(first.action, Action::Rests | Action::Falls | Action::CollidesWith);
        let likely = if place.is_some() { 0.2 } else { 0.5 };
        if goes_on && second.is_none() && rng.random_bool(likely) {
            words.push(ONGOING.into());
        }
        words.extend(place.map(str::to_owned));
        if in_order {
            words.push(IN_ORDER.0.into());
        }
        words.push(event_phrase(first, 0, noun, rng));
        words
    };
    if let Some(second) = second {
        words.push(if in_order { IN_ORDER.1 } else { THEN }.into());
        words.push(event_phrase(second, 1, noun, rng));
    }
    words.join(" ")
}

fn event_phrase(
    event: Event,
    index: usize,
    noun: &dyn Fn(usize, &mut dyn RngCore) -> String,
    rng: &mut dyn RngCore,
) -> String {
    let way = event.direction.map(|way| pick(direction(way), rng)).unwrap_or_default();
    let phrase = match event.action {
        Action::Rests if index > 0 => STOP.into(),
        Action::CollidesWith => format!("{} {}", pick(verbs(event), rng), noun(1, rng)),
        Action::PassesBehind => {
            let way = if rng.random_bool(0.3) { way } else { "" };
            format!("{way} {} {} {}", PASSES_BEHIND.0, noun(1, rng), PASSES_BEHIND.1)
        }
        _ => format!("{way} {}", pick(verbs(event), rng)),
    };
    about(0, &phrase)
}

pub(crate) const THEN: &str = "， 然后";
pub(crate) const ONGOING: &str = "正在";
pub(crate) const IN_ORDER: (&str, &str) = ("先", "， 再");
pub(crate) const STOP: &str = "停下";
pub(crate) const PASSES_BEHIND: (&str, &str) = ("从", "后面 经过");
pub(crate) const FALLS_ONTO: &str = "从 空中 落到";
/// Words of no group.
pub(crate) const GLUE: &[&str] = &["一 的 穿 衣服 在 和 之间 有"];

/// The verbs for an event; passing behind has its own form.
pub(crate) fn verbs(event: Event) -> &'static [&'static str] {
    match event.action {
        Action::Rests => &["静止 不动"],
        Action::Rolls => &["滚动"],
        Action::Slides => &["滑动"],
        Action::Drives => &["行驶"],
        Action::Walks => &["走", "行走"],
        Action::Flies => &["飞", "飞行"],
        Action::Floats if event.direction.is_none() => &["漂浮"],
        Action::Floats => &["漂动"],
        Action::Falls => &["落下", "从 空中 落下"],
        Action::Bounces => &["弹跳", "不停地 弹跳"],
        Action::Jumps => &["跳跃", "不停地 跳跃"],
        Action::Spins => &["旋转"],
        Action::CollidesWith => &["撞上", "撞到"],
        Action::PassesBehind => &[],
    }
}

pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Ball => "球",
        Kind::Cube => "立方体",
        Kind::Cone => "圆锥",
        Kind::Cylinder => "圆柱",
        Kind::Car => "汽车",
        Kind::House => "房子",
        Kind::Tree => "树",
        Kind::Boat => "船",
        Kind::Bird => "鸟",
        Kind::Dog => "狗",
        Kind::Robot => "机器人",
        Kind::Person => "人",
        Kind::Plane => "飞机",
    }
}

/// The measure word of a kind.
pub(crate) fn measure(kind: Kind) -> &'static str {
    match kind {
        Kind::Car => "辆",
        Kind::House => "座",
        Kind::Tree => "棵",
        Kind::Boat => "艘",
        Kind::Bird | Kind::Dog => "只",
        Kind::Plane => "架",
        Kind::Ball | Kind::Cube | Kind::Cone | Kind::Cylinder | Kind::Robot | Kind::Person => "个",
    }
}

pub(crate) fn colour(colour: Colour) -> &'static str {
    match colour {
        Colour::Red => "红色",
        Colour::Orange => "橙色",
        Colour::Yellow => "黄色",
        Colour::Green => "绿色",
        Colour::Blue => "蓝色",
        Colour::Purple => "紫色",
        Colour::White => "白色",
        Colour::Black => "黑色",
    }
}

pub(crate) fn size(size: Size) -> &'static str {
    match size {
        Size::Small => "小",
        Size::Large => "大",
    }
}

pub(crate) fn direction(direction: Direction) -> &'static [&'static str] {
    match direction {
        Direction::Left => &["向 左", "往 左"],
        Direction::Right => &["向 右", "往 右"],
        Direction::Towards => &["朝 镜头"],
        Direction::Away => &["向 远处"],
    }
}

pub(crate) fn relation(relation: Relation) -> &'static [&'static str] {
    match relation {
        Relation::LeftOf => &["左边", "的 左边"],
        Relation::RightOf => &["右边", "的 右边"],
        Relation::Behind => &["后面", "的 后面"],
        Relation::InFrontOf => &["前面", "的 前面"],
        Relation::OnTopOf => &["上面", "的 上面"],
    }
}

/// The ground, or the air over it where something flies.
fn ground(scene: &Scene) -> String {
    let flies = scene.events[0].action == Action::Flies;
    format!("{} {}", ground_name(scene.ground), if flies { ABOVE } else { ON })
}

pub(crate) const ON: &str = "上";
pub(crate) const ABOVE: &str = "上空";

pub(crate) fn ground_name(ground: Ground) -> &'static str {
    match ground {
        Ground::Grass => "草地",
        Ground::Sand => "沙地",
        Ground::Snow => "雪地",
        Ground::Water => "水面",
        Ground::Road => "公路",
    }
}

pub(crate) fn time_of_day(time: TimeOfDay) -> &'static [&'static str] {
    match time {
        TimeOfDay::Morning => &["早晨", "早上"],
        TimeOfDay::Noon => &["中午"],
        TimeOfDay::Evening => &["傍晚"],
        TimeOfDay::Night => &["夜晚", "夜里"],
    }
}

pub(crate) fn weather(weather: Weather) -> &'static [&'static str] {
    match weather {
        Weather::Clear => &["天空 晴朗"],
        Weather::Rain => &["雨 中", "天上 下着 雨", "正在 下 雨"],
        Weather::Snow => &["雪 中", "天上 下着 雪", "正在 下 雪"],
    }
}

pub(crate) fn camera(camera: CameraMove) -> &'static [&'static str] {
    match camera {
        CameraMove::Still => &["镜头 不动", "镜头 静止"],
        CameraMove::PanLeft => &["镜头 向 左 摇"],
        CameraMove::PanRight => &["镜头 向 右 摇"],
        CameraMove::ZoomIn => &["镜头 拉近", "镜头 推近"],
        CameraMove::ZoomOut => &["镜头 拉远"],
        CameraMove::OrbitLeft => &["镜头 向 左 环绕"],
        CameraMove::OrbitRight => &["镜头 向 右 环绕"],
    }
}
