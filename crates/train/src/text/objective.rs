//! Reading captions as an objective of the trainer.

use std::{collections::HashMap, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use media::{Clip, SheetLayout, SheetRow};
use models::{
    umt5::Umt5Encoder,
    weights::{Precision, save_folder},
};
use rand::Rng;
use world::{ClipSpec, Language, Split};

use super::{
    TextArgs, TextReader,
    picture::{Answers, Captioned, Picture, QUESTIONS, all_answers, classes},
    sketch::sketch,
};
use crate::{
    cross_entropy::cross_entropy,
    error::{Result, TrainError},
    files,
    log::Figures,
    optim::LrScale,
    parameters::{to_scalar, to_vec},
    random::{Purpose, rng},
    tokenizer::PromptTokenizer,
    trainer::{Moment, Objective},
};

/// Captions on a sample sheet.
const SHEET_CAPTIONS: usize = 12;
/// For each the first frame, its sketch, the last frame, its sketch; two captions beside each other.
const SHEET: SheetLayout = SheetLayout { frames_per_clip: 4, clips_across: 2 };

pub struct TextObjective<'a> {
    args: &'a TextArgs,
    training: Vec<Picture>,
    held_out: Vec<Picture>,
    /// A caption in each language for each of them.
    validation: Vec<Captioned>,
    tokenizer: PromptTokenizer,
    device: Device,
}

/// What is asked about a batch of captions.
struct Reading {
    logits: Tensor<3>,
    /// 1 for the right answer, `[batch, tokens, answers]`; 0 for all at tokens about no thing.
    targets: Tensor<3>,
    /// What each token of the batch is about.
    about: Vec<Option<usize>>,
}

impl<'a> TextObjective<'a> {
    pub fn new(args: &'a TextArgs, tokenizer: PromptTokenizer, device: Device) -> Self {
        let seed = args.run.seed;
        let mut rng = rng(seed, Purpose::Evaluation, u64::MAX);
        let held_out = Picture::draw(args.evaluate_scenes, Split::HeldOut, seed);
        let captions = held_out.iter().flat_map(|picture| Language::ALL.map(|language| (picture, language)));
        let validation = captions.map(|(picture, language)| picture.caption(language, &mut rng)).collect();
        let training = Picture::draw(args.scenes, Split::Train, seed);
        Self { args, training, held_out, validation, tokenizer, device }
    }

    fn read_captions<'b>(
        &self,
        model: &TextReader,
        captions: impl ExactSizeIterator<Item = &'b Captioned>,
    ) -> Result<Reading> {
        let width = all_answers();
        let length = self.tokenizer.max_length();
        let count = captions.len();
        let mut prompts = Vec::with_capacity(count);
        let mut targets = vec![0.0_f32; count * length * width];
        let mut about = vec![None; count * length];
        for (captioned, start) in captions.zip((0..).step_by(length)) {
            let (ids, offsets) = self.tokenizer.encode_with_offsets(&captioned.caption.text)?;
            prompts.push(ids);
            for (offset, token) in offsets.into_iter().zip(start..) {
                let mut mentions = captioned.caption.mentions.iter();
                let mention = mentions.find(|mention| mention.range.contains(&offset));
                let Some(mention) = mention else { continue };
                about[token] = Some(mention.thing);
                for class in classes(&captioned.answers[mention.thing]) {
                    targets[token * width + class] = 1.0;
                }
            }
        }
        let targets = TensorData::new(targets, [count, length, width]);
        Ok(Reading {
            logits: model.answer(model.text_encoder.context(&prompts, length, &self.device)),
            targets: Tensor::from_data(targets, &self.device),
            about,
        })
    }
}

impl Reading {
    /// Tokens that are about a thing.
    fn asked(&self) -> f64 {
        self.about.iter().flatten().count().max(1) as f64
    }

    /// Mean over the tokens that are about a thing.
    fn loss(&self) -> Tensor<1> {
        cross_entropy(&self.logits, &self.targets, &QUESTIONS.map(|(_, answers)| answers)) / self.asked()
    }

    /// The share of right answers to each question.
    fn right(self) -> Result<[f64; QUESTIONS.len()]> {
        let (width, asked) = (self.logits.dims()[2], self.asked());
        let (logits, targets) = (to_vec(self.logits)?, to_vec(self.targets)?);
        let mut right = [0.0; QUESTIONS.len()];
        for (logits, targets) in logits.chunks_exact(width).zip(targets.chunks_exact(width)) {
            for (right, class) in right.iter_mut().zip(classes(&likeliest(logits))) {
                *right += f64::from(targets[class]);
            }
        }
        Ok(right.map(|right| right / asked))
    }

    /// What all words about each of the first `things` of caption `index` answer together.
    fn answers(&self, index: usize, things: usize) -> Result<Vec<Answers>> {
        let [_, length, width] = self.logits.dims();
        let logits = to_vec(self.logits.clone().narrow(0, index, 1))?;
        let mut sums = vec![vec![0.0; width]; things];
        let about = &self.about[index * length..(index + 1) * length];
        for (thing, logits) in about.iter().zip(logits.chunks_exact(width)) {
            if let Some(thing) = thing {
                sums[*thing].iter_mut().zip(logits).for_each(|(sum, logit)| *sum += logit);
            }
        }
        Ok(sums.iter().map(|sum| likeliest(sum)).collect())
    }
}

/// The likeliest answer to each question.
fn likeliest(logits: &[f32]) -> Answers {
    let mut start = 0;
    QUESTIONS.map(|(_, answers)| {
        let of_question = &logits[start..start + answers];
        start += answers;
        (0..answers).max_by(|&a, &b| of_question[a].total_cmp(&of_question[b])).unwrap_or(0)
    })
}

impl Objective for TextObjective<'_> {
    type Model = TextReader;
    const NAME: &'static str = "text";

    fn loss(&self, model: &TextReader, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let mut rng = rng(moment.seed, Purpose::Batch, moment.batch);
        let draw = |_| {
            let picture = &self.training[rng.random_range(0..self.training.len())];
            let language = Language::ALL[rng.random_range(0..Language::ALL.len())];
            picture.caption(language, &mut rng)
        };
        let captions: Vec<Captioned> = (0..self.args.batch_captions).map(draw).collect();
        Ok((self.read_captions(model, captions.iter())?.loss(), Figures::new()))
    }

    /// As in the training of the denoiser.
    fn lr_scale(&self, name: &str) -> LrScale {
        if name.starts_with("text_encoder.") { LrScale::Relative } else { LrScale::Absolute }
    }

    /// The loss and the share of right answers to each question, on captions of held-out combinations.
    fn evaluate(&self, model: &TextReader) -> Result<Figures> {
        let reading = self.read_captions(model, self.validation.iter())?;
        let mut figures = Figures::new().with("held_out_loss", f64::from(to_scalar(reading.loss())?));
        for ((name, _), right) in QUESTIONS.iter().zip(reading.right()?) {
            figures.push(*name, right);
        }
        Ok(figures)
    }

    /// Held-out scenes beside what their English captions make the reader expect.
    fn sample(&self, model: &TextReader, path: &Path) -> Result<()> {
        let english =
            self.validation.iter().filter(|captioned| captioned.caption.language == Language::English);
        let captions: Vec<&Captioned> = english.take(SHEET_CAPTIONS).collect();
        let reading = self.read_captions(model, captions.iter().copied())?;
        let ClipSpec { width, height, fps, .. } = ClipSpec::default();
        let drawing = "drawing samples";
        let mut clips = Vec::with_capacity(captions.len());
        for (index, (captioned, picture)) in captions.iter().zip(&self.held_out).enumerate() {
            let sketches = sketch(&reading.answers(index, captioned.answers.len())?);
            let pairs = captioned.frames.iter().zip(sketches);
            let frames = pairs.flat_map(|(&frame, sketch)| [picture.frame(frame), sketch].concat()).collect();
            clips.push(Clip::new(width, height, f64::from(fps), frames).map_err(TrainError::part(drawing))?);
        }
        let rows: Vec<SheetRow<'_>> = clips
            .iter()
            .zip(&captions)
            .map(|(clip, captioned)| SheetRow { clip, caption: &captioned.caption.text })
            .collect();
        let sheet = media::contact_sheet(&rows, SHEET).map_err(TrainError::part(drawing))?;
        media::write(&sheet, path, None).map_err(TrainError::part("writing samples"))
    }

    fn export(&self, model: &TextReader, folder: &Path) -> Result<()> {
        files::write_folder(&folder.join("text_encoder"), |part| {
            let encoder: &Umt5Encoder = &model.text_encoder;
            save_folder(encoder, encoder.config(), part, Precision::F32, &HashMap::new())
                .map_err(TrainError::part("exporting the text encoder"))
        })
    }

    fn read(&self, folder: &Path) -> Result<TextReader> {
        TextReader::read(folder, &self.device)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::to_value;
    use world::{Colour, Kind};

    use super::*;
    use crate::text::TextSize;

    #[test]
    fn words_are_asked_about_their_thing() {
        let device = Device::flex();
        let args = TextArgs { scenes: 1, evaluate_scenes: 60, ..TextArgs::default() };
        let tokenizer = PromptTokenizer::for_world(args.size.max_sequence_length).unwrap();
        let small = TextSize { text_dim: 8, text_layers: 1, text_heads: 1, ..TextSize::default() };
        let encoder = Umt5Encoder::new(&small.config(tokenizer.vocab_size()), &device).unwrap();
        let model = TextReader::new(encoder.init_weights(0), &device);
        let objective = TextObjective::new(&args, tokenizer.clone(), device);
        let reading = objective.read_captions(&model, objective.validation.iter()).unwrap();

        // A layer of zeros: every answer is as likely as any other.
        let unknown: f32 = QUESTIONS.iter().map(|(_, answers)| (*answers as f32).ln()).sum();
        let loss = to_scalar(reading.loss()).unwrap();
        assert!((loss - unknown).abs() < 1e-3, "{loss} {unknown}");

        let kinds = Kind::ALL.map(|kind| to_value(kind).unwrap());
        let colours = Colour::ALL.map(|colour| to_value(colour).unwrap());
        let mut named = 0;
        for (captioned, about) in
            objective.validation.iter().zip(reading.about.chunks(small.max_sequence_length))
        {
            let ids = tokenizer.encode(&captioned.caption.text).unwrap();
            for (id, thing) in ids.into_iter().zip(about) {
                let word = tokenizer.decode(&[id as u32]).unwrap();
                for (question, words) in [&kinds[..], &colours[..]].into_iter().enumerate() {
                    let Some(answer) = words.iter().position(|of| *of == word) else { continue };
                    let thing =
                        thing.unwrap_or_else(|| panic!("{word} of {:?} is about nothing", captioned.caption));
                    assert_eq!(
                        captioned.answers[thing][question], answer,
                        "{word} of {:?}",
                        captioned.caption
                    );
                    named += 1;
                }
            }
        }
        assert!(named > 100, "{named} kinds and colours in English captions");

        let answers = reading.answers(0, objective.validation[0].answers.len()).unwrap();
        assert_eq!(answers.len(), objective.validation[0].answers.len());
        let right = reading.right().unwrap();
        assert!(right.iter().all(|share| (0.0..1.0).contains(share)), "{right:?}");
    }
}
