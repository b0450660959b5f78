// All words of the page, in English and Chinese, and which of the two are shown. What the server says stays as it says it.

const en = {
  title: "Kinora",
  tagline: "Text to video, on the machine you have",
  language: "Language",
  skip: "Skip to the clips",
  forget_key: "Forget the API key",
  enter_key: "Enter an API key",

  prompt: "What is seen",
  prompt_placeholder: "A red ball bounces on the grass in the evening",
  words: "Words that the model knows",
  completions: "Suggested words",
  size: "Size",
  size_own: "{size} – the model’s own",
  size_other: "Other…",
  size_limit: "Up to {n} million pixels",
  width: "Width",
  height: "Height",
  length: "Length",
  seconds_unit: "s",
  seconds_value: "{n} s",
  seed: "Seed",
  seed_placeholder: "any",
  seed_new: "Pick a seed",
  first_frame: "First frame",
  first_frame_hint: "Drop a picture here, or choose one",
  first_frame_remove: "Remove the picture",
  not_a_picture: "This file is not a picture.",
  advanced: "Advanced",
  model: "Model",
  steps: "Steps",
  guidance: "Guidance",
  negative: "Not to be seen",
  fps: "Frames a second",
  loop_create: "The end leads into the beginning",
  strict: "Refuse what cannot be made exactly as asked",
  automatic: "auto",
  make: "Make the clip",
  make_hint: "Ctrl + Enter",

  storyboard: "Storyboard",
  storyboard_about:
    "Say what is seen when, and place stills and clips. Arrow keys move what is selected, Shift with them changes its length, Delete removes it.",
  strip: "Timeline, {n} s",
  lane_prompts: "Prompts",
  lane_stills: "Stills",
  lane_clips: "Clips",
  add_prompt: "Prompt",
  add_still: "Still",
  add_clip: "Clip",
  clear: "Clear",
  no_room: "There is no room left on the strip; make it longer first.",
  span_label: "Prompt from {from} to {to} s: {text}",
  still_label: "Still at {from} s",
  clip_label: "Clip from {from} to {to} s: {text}",
  span_from: "From",
  span_to: "To",
  at: "Begins at",
  at_end: "Ends with the video",
  remade: "How much is made anew",
  remove: "Remove",
  span_prompt: "What is seen then",
  empty_span: "Each prompt on the strip needs some words.",
  choose_clip: "Choose a clip",
  no_clips: "There is no finished clip to choose yet.",
  to_storyboard: "Put on the storyboard",

  making: "In the works",
  queued: "Waiting",
  queued_next: "Next in line",
  queued_before_one: "1 before it",
  queued_before: "{n} before it",
  starting: "Starting",
  stage_text: "Reading the prompt",
  stage_denoise: "Developing",
  stage_decode: "Printing the frames",
  steps_done: "{step} of {total}",
  left_soon: "a moment left",
  left_seconds: "about {n} s left",
  left_minutes: "about {n} min left",
  left_hours: "about {n} h left",
  cancel: "Cancel",
  cancelling: "Stopping…",
  progress_of: "Progress of “{prompt}”",
  said_begun: "Begun: {prompt}",
  said_percent: "{n} percent: {prompt}",
  said_done: "Finished: {prompt}",
  said_failed: "Failed: {prompt}",
  said_asked: "In the queue: {prompt}",

  clips: "Clips",
  clips_empty: "No clips yet",
  clips_empty_hint: "What you make is kept here.",
  show_more: "Show more",
  open: "Open “{prompt}”",
  actions: "Actions for “{prompt}”",
  failed: "Failed",
  cancelled: "Cancelled",
  seed_value: "seed {seed}",
  seed_unknown: "unknown",
  rerun_new: "Again, another seed",
  rerun_same: "Again, the same seed",
  remix: "Remix",
  extend: "Extend",
  loop: "Loop",
  connect: "Connect",
  edit: "Edit a region",
  download: "Download",
  copy_curl: "Copy as curl",
  delete: "Delete",
  copied: "Copied.",
  not_copied: "The browser does not let the page copy.",
  deleted: "Deleted.",
  sure_delete: "Delete this clip?",
  delete_for_good: "It is gone for good.",
  keep: "Keep it",

  close: "Close",
  back: "Back",
  frames: "Frames",
  frame_of: "Frame {n} of {total}",
  made_with: "Model",
  made_of: "Made of",
  took: "Took",
  kept_until: "Kept until",
  notes: "Notes",
  length_value: "{seconds} s, {frames} frames, {fps} a second",
  unplayable: "The clip cannot be played.",

  remix_about: "The same clip, near to what it was, after another prompt.",
  strength: "How much is made anew",
  extend_about: "What comes after the clip, or before it.",
  direction: "Where it goes on",
  forward: "Behind its end",
  backward: "Before its beginning",
  extend_seconds: "Seconds to add",
  loop_about: "Leads from the end of the clip back to its beginning.",
  loop_seconds: "Seconds for the way back",
  connect_about: "Leads from this clip to another.",
  connect_with: "The other clip",
  connect_seconds: "Seconds between them",
  edit_about:
    "Draw one or more regions on the clip; only these are made anew. Drag the arrow of one to where it is in the end.",
  edit_prompt: "What is seen then",
  add_region: "Add a region",
  region: "Region {n}",
  region_place: "{width} × {height} at {x}, {y}",
  region_way: "{width} × {height} from {x}, {y} to {toX}, {toY}",
  region_label:
    "Region {n}: {width} by {height} pixels at {x}, {y}. Arrow keys move it, Shift with arrow keys changes its size, Delete removes it.",
  region_remove: "Remove region {n}",
  region_moves: "It moves",
  region_goal:
    "Where region {n} is in the end: {x}, {y}. Arrow keys move it, Delete lets the region stay where it begins.",
  from_second: "From",
  to_second: "To",
  video_end: "end",
  no_regions: "No region yet: the whole picture would be made anew.",
  send: "Send",

  key_title: "This server wants an API key",
  key: "API key",
  key_remember: "Keep it on this computer",
  key_about: "It is kept for this tab only, unless you tick this.",
  key_use: "Use this key",
  offline: "The server does not answer. Trying again…",
  lost: "The request did not reach the server. Try again.",
  unclear: "The server answered with {status}.",

  group_things: "Things",
  group_colours: "Colours",
  group_sizes: "Sizes",
  group_events: "Events",
  group_directions: "Directions",
  group_relations: "Relations",
  group_grounds: "Grounds",
  "group_times of day": "Times of day",
  group_weather: "Weather",
  group_camera: "Camera",
  group_other: "Other words",
};

const zh = {
  title: "Kinora",
  tagline: "文字生成视频，就在你自己的电脑上",
  language: "语言",
  skip: "跳到片段列表",
  forget_key: "忘记 API 密钥",
  enter_key: "输入 API 密钥",

  prompt: "画面内容",
  prompt_placeholder: "傍晚，一个红色的球在草地上弹跳",
  words: "模型认识的词语",
  completions: "建议的词语",
  size: "尺寸",
  size_own: "{size}（模型原生）",
  size_other: "其他……",
  size_limit: "最多 {n} 百万像素",
  width: "宽",
  height: "高",
  length: "时长",
  seconds_unit: "秒",
  seconds_value: "{n} 秒",
  seed: "种子",
  seed_placeholder: "任意",
  seed_new: "选一个种子",
  first_frame: "首帧",
  first_frame_hint: "把图片拖到这里，或点击选择",
  first_frame_remove: "移除图片",
  not_a_picture: "这个文件不是图片。",
  advanced: "高级选项",
  model: "模型",
  steps: "步数",
  guidance: "引导强度",
  negative: "不希望出现的内容",
  fps: "帧率",
  loop_create: "首尾相接",
  strict: "无法完全按要求生成时拒绝",
  automatic: "自动",
  make: "生成片段",
  make_hint: "Ctrl + Enter",

  storyboard: "分镜",
  storyboard_about:
    "安排每段时间的画面，并放入静态图片和片段。方向键移动所选的内容，按住 Shift 再按方向键改变长度，Delete 键移除。",
  strip: "时间轴，共 {n} 秒",
  lane_prompts: "提示词",
  lane_stills: "图片",
  lane_clips: "片段",
  add_prompt: "提示词",
  add_still: "图片",
  add_clip: "片段",
  clear: "清空",
  no_room: "时间轴上没有空位了，请先加长时长。",
  span_label: "提示词，第 {from} 至 {to} 秒：{text}",
  still_label: "图片，第 {from} 秒",
  clip_label: "片段，第 {from} 至 {to} 秒：{text}",
  span_from: "从",
  span_to: "到",
  at: "开始于",
  at_end: "与视频同时结束",
  remade: "重新生成的程度",
  remove: "移除",
  span_prompt: "这段时间的画面",
  empty_span: "时间轴上的每段提示词都需要填写文字。",
  choose_clip: "选择片段",
  no_clips: "还没有可供选择的已完成片段。",
  to_storyboard: "放入分镜",

  making: "正在生成",
  queued: "排队中",
  queued_next: "下一个就是它",
  queued_before_one: "前面还有 1 个",
  queued_before: "前面还有 {n} 个",
  starting: "正在开始",
  stage_text: "正在阅读提示词",
  stage_denoise: "正在显影",
  stage_decode: "正在印制画面",
  steps_done: "{step} / {total}",
  left_soon: "马上就好",
  left_seconds: "大约还需 {n} 秒",
  left_minutes: "大约还需 {n} 分钟",
  left_hours: "大约还需 {n} 小时",
  cancel: "取消",
  cancelling: "正在停止……",
  progress_of: "“{prompt}”的进度",
  said_begun: "已开始：{prompt}",
  said_percent: "已完成百分之 {n}：{prompt}",
  said_done: "已完成：{prompt}",
  said_failed: "失败：{prompt}",
  said_asked: "已加入队列：{prompt}",

  clips: "片段",
  clips_empty: "还没有片段",
  clips_empty_hint: "你生成的片段会保存在这里。",
  show_more: "显示更多",
  open: "打开“{prompt}”",
  actions: "对“{prompt}”的操作",
  failed: "失败",
  cancelled: "已取消",
  seed_value: "种子 {seed}",
  seed_unknown: "未知",
  rerun_new: "换个种子再来一次",
  rerun_same: "用相同种子再来一次",
  remix: "改编",
  extend: "延长",
  loop: "循环",
  connect: "衔接",
  edit: "局部修改",
  download: "下载",
  copy_curl: "复制为 curl 命令",
  delete: "删除",
  copied: "已复制。",
  not_copied: "浏览器不允许本页复制内容。",
  deleted: "已删除。",
  sure_delete: "要删除这个片段吗？",
  delete_for_good: "删除后无法恢复。",
  keep: "保留",

  close: "关闭",
  back: "返回",
  frames: "画面",
  frame_of: "第 {n} 帧，共 {total} 帧",
  made_with: "模型",
  made_of: "来源",
  took: "用时",
  kept_until: "保留至",
  notes: "备注",
  length_value: "{seconds} 秒，共 {frames} 帧，每秒 {fps} 帧",
  unplayable: "无法播放这个片段。",

  remix_about: "按新的提示词重新生成，与原片段相近。",
  strength: "重新生成的程度",
  extend_about: "生成片段之后或之前的内容。",
  direction: "延长的方向",
  forward: "向后延长",
  backward: "向前延长",
  extend_seconds: "增加的秒数",
  loop_about: "让片段的结尾自然回到开头。",
  loop_seconds: "回到开头所用的秒数",
  connect_about: "让这个片段自然过渡到另一个片段。",
  connect_with: "另一个片段",
  connect_seconds: "两段之间的秒数",
  edit_about: "在画面上画出一个或多个区域，只有这些区域会重新生成。拖动区域的箭头，指定它最后的位置。",
  edit_prompt: "修改后的画面",
  add_region: "添加区域",
  region: "区域 {n}",
  region_place: "{width} × {height}，位于 {x}, {y}",
  region_way: "{width} × {height}，从 {x}, {y} 移到 {toX}, {toY}",
  region_label:
    "区域 {n}：宽 {width}、高 {height} 像素，位于 {x}, {y}。方向键移动，按住 Shift 再按方向键改变大小，Delete 键移除。",
  region_remove: "移除区域 {n}",
  region_moves: "区域会移动",
  region_goal: "区域 {n} 最后的位置：{x}, {y}。方向键移动，Delete 键让区域留在原处。",
  from_second: "从",
  to_second: "到",
  video_end: "结尾",
  no_regions: "还没有区域：整个画面都会重新生成。",
  send: "发送",

  key_title: "这个服务器需要 API 密钥",
  key: "API 密钥",
  key_remember: "保存在这台电脑上",
  key_about: "如果不勾选，密钥只在这个标签页中保留。",
  key_use: "使用这个密钥",
  offline: "服务器没有响应，正在重试……",
  lost: "请求没有到达服务器，请重试。",
  unclear: "服务器返回了状态码 {status}。",

  group_things: "事物",
  group_colours: "颜色",
  group_sizes: "大小",
  group_events: "动作",
  group_directions: "方向",
  group_relations: "位置关系",
  group_grounds: "地面",
  "group_times of day": "时间",
  group_weather: "天气",
  group_camera: "镜头",
  group_other: "其他词语",
};

const TABLES = { en, zh };
const KEPT = "kinora.language";

function first() {
  const kept = localStorage.getItem(KEPT);
  if (kept in TABLES) return kept;
  const wanted = navigator.languages.map((language) => language.slice(0, 2).toLowerCase());
  return wanted.find((language) => language in TABLES) ?? "en";
}

let language = first();

export const currentLanguage = () => language;

// The text of a key; words in braces are filled in.
export function t(key, values = {}) {
  const text = TABLES[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// Gives an element a text that follows the language.
export function say(element, key, values = {}) {
  element.dataset.t = key;
  element.dataset.tvalues = JSON.stringify(values);
  element.textContent = t(key, values);
}

// Gives an element a label that follows the language.
export function label(element, key, values = {}) {
  element.dataset.tlabel = key;
  element.dataset.tlabelvalues = JSON.stringify(values);
  element.setAttribute("aria-label", t(key, values));
}

function apply(element) {
  const { t: text, tvalues, tlabel, tlabelvalues, ttitle, tplaceholder } = element.dataset;
  if (text) element.textContent = t(text, JSON.parse(tvalues ?? "{}"));
  if (tlabel) element.setAttribute("aria-label", t(tlabel, JSON.parse(tlabelvalues ?? "{}")));
  if (ttitle) element.title = t(ttitle);
  if (tplaceholder) element.placeholder = t(tplaceholder);
}

// Fills in the texts of an element and of all within it.
export function translate(root) {
  const marked = "[data-t], [data-tlabel], [data-ttitle], [data-tplaceholder]";
  if (root.matches(marked)) apply(root);
  root.querySelectorAll(marked).forEach(apply);
}

// Tells of a change of language.
export const languages = new EventTarget();

export function setLanguage(wanted) {
  language = wanted;
  localStorage.setItem(KEPT, wanted);
  showLanguage();
  languages.dispatchEvent(new Event("change"));
}

// Shows the page in its language.
export function showLanguage() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  translate(document.documentElement);
}
