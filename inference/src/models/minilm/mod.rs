//! all-MiniLM-L6-v2: a text to a unit vector of 384 elements, near to those of texts that mean the same.

pub mod config;
mod cpu;
mod load;
#[cfg(feature = "gpu")]
mod net;

use mtor_shared::{
    engine::Backend,
    problem::{Problem, ProblemCode},
};

use crate::{
    device::Target,
    kernels::normalise,
    tokenizer::BertTokenizer,
    weights::{SafeTensors, Source},
};

/// One text and the vector that onnxruntime gives for it, written by `scripts/make_minilm_references.py`.
const SELF_CHECK: &str = include_str!("self_check.json");
/// The least cosine with the reference that counts as computed right; rounding alone stays above 0.99999.
const SELF_CHECK_COSINE: f32 = 0.999;

/// Tokens that one batch may hold. A batch is what cannot be stopped: about a quarter of a second on one CPU thread.
const BATCH_TOKENS: usize = config::TOKEN_LIMIT;
/// Texts that one batch may hold.
const BATCH_TEXTS: usize = 16;

/// The loaded model.
pub struct MiniLm {
    tokenizer: BertTokenizer,
    encoder: Encoder,
}

enum Encoder {
    Kernels(Box<cpu::Encoder>),
    #[cfg(feature = "gpu")]
    Graph(Box<net::Encoder>),
}

impl MiniLm {
    /// Loads the model onto `target`; `loaded` is told after each part how much of 1 is done.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not this model's.
    pub async fn load<S: Source>(
        weights: S,
        tokenizer: &[u8],
        target: &Target,
        loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        let tokenizer = BertTokenizer::new(tokenizer, config::TOKEN_LIMIT)?;
        let weights = SafeTensors::open(weights).await?;
        let encoder = match target {
            Target::Kernels => Encoder::Kernels(Box::new(cpu::Encoder::load(&weights, loaded).await?)),
            #[cfg(feature = "gpu")]
            Target::Gpu(gpu) => {
                Encoder::Graph(Box::new(net::Encoder::load(&weights, &gpu.graph, loaded).await?))
            }
        };
        Ok(Self { tokenizer, encoder })
    }

    /// Where it computes.
    pub fn backend(&self) -> Backend {
        match self.encoder {
            Encoder::Kernels(_) => Backend::Cpu,
            #[cfg(feature = "gpu")]
            Encoder::Graph(_) => Backend::Gpu,
        }
    }

    /// Embeds one fixed text and compares: a first pass that also compiles the kernels.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device computes something else.
    pub async fn check_itself(&mut self) -> Result<(), Problem> {
        #[derive(serde::Deserialize)]
        struct Check {
            text: String,
            vector: Vec<f32>,
        }
        let check: Check = serde_json::from_str(SELF_CHECK).map_err(|error| {
            Problem::new(ProblemCode::Internal, format!("The self-check is damaged ({error})."), "")
        })?;
        let mut plan = self.plan(&[&check.text])?;
        while self.step(&mut plan).await? {}
        let got = plan.vectors.first().map(Vec::as_slice).unwrap_or_default();
        let cosine: f32 = got.iter().zip(&check.vector).map(|(a, b)| a * b).sum();
        if cosine >= SELF_CHECK_COSINE {
            return Ok(());
        }
        Err(match self.backend() {
            Backend::Gpu => Problem::new(
                ProblemCode::DeviceLost,
                format!("The GPU computes wrong numbers (cosine {cosine:.4} with a known result)."),
                "Choose the CPU for this device.",
            ),
            Backend::Cpu => Problem::new(
                ProblemCode::Internal,
                format!("The model computes wrong numbers (cosine {cosine:.4} with a known result)."),
                "Delete the model and load it again.",
            ),
        })
    }

    /// Splits texts into batches of similar length.
    ///
    /// # Errors
    ///
    /// None is known; the tokenizer's signature has one.
    pub fn plan(&self, texts: &[&str]) -> Result<Plan, Problem> {
        let ids: Vec<Vec<u32>> =
            texts.iter().map(|text| self.tokenizer.ids(text)).collect::<Result<_, _>>()?;
        Ok(Plan { batches: batches(&ids), vectors: vec![Vec::new(); ids.len()], ids })
    }

    /// Computes one batch; false once there was none left.
    ///
    /// # Errors
    ///
    /// `device-lost` when the device does not give a result, or gives something that is no vector.
    pub async fn step(&mut self, plan: &mut Plan) -> Result<bool, Problem> {
        let Some(batch) = plan.batches.pop() else { return Ok(false) };
        let ids: Vec<&[u32]> = batch.iter().map(|index| plan.ids[*index].as_slice()).collect();
        let pooled = match &mut self.encoder {
            Encoder::Kernels(encoder) => encoder.means(&ids),
            #[cfg(feature = "gpu")]
            Encoder::Graph(encoder) => encoder.sums(&ids).await?,
        };
        for (index, mut vector) in batch.into_iter().zip(pooled) {
            // A sum and a mean point the same way.
            normalise(&mut vector);
            let length: f32 = vector.iter().map(|v| v * v).sum();
            if !(0.99..1.01).contains(&length) {
                return Err(Problem::retryable(
                    ProblemCode::DeviceLost,
                    "The device returned numbers that are no embedding.",
                    "The model loads again; choose the CPU if this happens more than once.",
                ));
            }
            plan.vectors[index] = vector;
        }
        Ok(true)
    }
}

/// Texts on the way to becoming vectors.
pub struct Plan {
    ids: Vec<Vec<u32>>,
    /// Indices of the texts, last batch first.
    batches: Vec<Vec<usize>>,
    vectors: Vec<Vec<f32>>,
}

impl Plan {
    /// Batches that are not computed yet.
    pub fn remaining(&self) -> usize {
        self.batches.len()
    }

    /// One unit vector a text, in order; complete once [`MiniLm::step`] has returned false.
    pub fn into_vectors(self) -> Vec<Vec<f32>> {
        self.vectors
    }
}

/// Indices of texts, sorted by length and cut where a batch, padded to its longest text, would hold too much.
fn batches(ids: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|index| ids[*index].len());
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for index in order {
        match batches.last_mut() {
            Some(batch)
                if batch.len() < BATCH_TEXTS && (batch.len() + 1) * ids[index].len() <= BATCH_TOKENS =>
            {
                batch.push(index);
            }
            _ => batches.push(vec![index]),
        }
    }
    // Steps take from the end: the longest first, where a person waits the same for all.
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_text_once_and_stay_small() {
        let ids: Vec<Vec<u32>> = (0..200).map(|i| vec![7; i * 7919 % 255 + 2]).collect();
        let batches = batches(&ids);
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        for batch in &batches {
            let longest = batch.iter().map(|index| ids[*index].len()).max().unwrap();
            assert!(batch.len() == 1 || batch.len() * longest <= BATCH_TOKENS);
            assert!(batch.len() <= BATCH_TEXTS);
        }
    }
}
