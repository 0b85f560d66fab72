//! The network on the GPU kernels: every pass is a list of dispatches that was made when the model was loaded, sent in
//! one submission; of the result, a few bytes are read back.

use mtor_shared::problem::{Problem, ProblemCode};

use super::{
    config::Config,
    load::{self, Layer, Linear, Network, Place},
};
use crate::{
    device::{self, wgpu},
    kernels::{
        Gate, Pairing,
        gpu::{CANDIDATES, Filling, Gpu, GpuMatrix, Grid, Operands, Step, TOKENS},
    },
    weights::{Gguf, Source, TensorInfo, unreadable},
};

/// Bytes that are read from a file at a time.
const READ: usize = 4 << 20;
/// Elements of a head at most, by the kernels' workgroup memory.
const HEAD: usize = 256;
/// Candidates that one workgroup chooses from.
const SORTED: usize = 1024;

/// The decoder with its weights, what it has read, and its passes.
pub(super) struct Decoder {
    gpu: Gpu,
    bytes: usize,
    vocabulary: usize,
    positions: usize,
    /// (position of the first token, tokens)
    pass: wgpu::Buffer,
    ids: wgpu::Buffer,
    turns: Turns,
    /// The layers for one token, and for many.
    one: Vec<Step>,
    many: Vec<Step>,
    /// The last token's logits.
    head: Vec<Step>,
    /// The best of them.
    choice: Vec<Step>,
    logits_on_gpu: wgpu::Buffer,
    best_on_gpu: wgpu::Buffer,
    logits: Vec<f32>,
    best: Vec<(u32, f32)>,
}

/// Cosine and sine of the rotary embedding for a pass's tokens, by distinct frequencies.
struct Turns {
    frequencies: Vec<Vec<f32>>,
    buffer: wgpu::Buffer,
}

impl Turns {
    fn new(gpu: &Gpu, config: &Config, layers: &[Layer<GpuMatrix>]) -> Self {
        let mut frequencies: Vec<Vec<f32>> = Vec::new();
        for layer in layers {
            if !frequencies.contains(&layer.frequencies) {
                frequencies.push(layer.frequencies.clone());
            }
        }
        let elements = frequencies.len() * TOKENS * config.head_width;
        Self { frequencies, buffer: gpu.buffer("turns", 4 * elements as u64) }
    }

    /// Where those of a layer begin, in tokens.
    fn of(&self, frequencies: &[f32]) -> usize {
        TOKENS * self.frequencies.iter().position(|known| known == frequencies).unwrap_or(0)
    }

    /// Those of the tokens at `first..`. Sines of large angles are too inexact on a GPU.
    fn write(&self, gpu: &Gpu, first: usize, tokens: usize) {
        let mut turns = Vec::new();
        for frequencies in &self.frequencies {
            let begin = turns.len();
            for position in first..first + tokens {
                turns.extend(frequencies.iter().map(|frequency| {
                    let (sin, cos) = (position as f32 * frequency).sin_cos();
                    [cos, sin]
                }));
            }
            turns.resize(begin + TOKENS * frequencies.len(), [0.0; 2]);
        }
        gpu.write(&self.buffer, 0, &turns);
    }
}

impl Decoder {
    pub(super) async fn load<S: Source>(
        file: &Gguf<S>,
        config: Config,
        context: usize,
        gpu: &device::Gpu,
        loaded: impl FnMut(f64),
    ) -> Result<Self, Problem> {
        if config.head_width > HEAD {
            return Err(Problem::new(
                ProblemCode::Unsupported,
                format!(
                    "The model's heads have {} elements, and MTOR's GPU kernels at most {HEAD}.",
                    config.head_width
                ),
                "Choose the CPU, or another model.",
            ));
        }
        let gpu = Gpu::new(gpu.device.clone(), gpu.queue.clone());
        let network = load::network(file, &config, &mut Upload(&gpu), loaded).await?;
        Ok(Self::new(gpu, &config, context, network))
    }

    fn new(gpu: Gpu, config: &Config, context: usize, network: Network<GpuMatrix>) -> Self {
        let Config { width, feed_forward, heads, key_heads, head_width, .. } = *config;
        let Network { embedding, vocabulary, layers, norm, output } = network;
        let floats = |label: &str, per_token: usize| {
            // Kernels read whole panels of the last token too.
            gpu.buffer(label, 4 * (TOKENS * per_token + 128) as u64)
        };
        let pass = gpu.uniform("pass", 8);
        let ids = gpu.buffer("ids", 4 * TOKENS as u64);
        let turns = Turns::new(&gpu, config, &layers);
        let buffers = Buffers {
            state: floats("state", width),
            normed: floats("normed", width),
            heads: floats("heads", (heads + 2 * key_heads) * head_width),
            context: floats("context", heads * head_width),
            gated: floats("gated", 2 * feed_forward),
            change: floats("change", width),
        };

        let mut bytes = embedding.bytes() + output.as_ref().map_or(0, GpuMatrix::bytes);
        let embed = || embedding.embed(&gpu, &pass, &ids, &buffers.state, config.embedding_scale);
        let (mut one, mut many): (Vec<_>, Vec<_>) = (embed().collect(), embed().collect());
        for (index, layer) in layers.into_iter().enumerate() {
            let layer = Ready::new(&gpu, config, context, layer);
            bytes += layer.bytes();
            let plan = Plan { gpu: &gpu, config, pass: &pass, buffers: &buffers, turns: &turns };
            one.extend(plan.layer(index, &layer, GpuMatrix::vector_steps));
            many.extend(plan.layer(index, &layer, GpuMatrix::token_steps));
        }

        let logits_on_gpu = gpu.buffer("logits", 4 * vocabulary as u64);
        let last = [("WIDTH", width as f64), ("EPSILON", f64::from(config.epsilon)), ("LAST", 1.0)];
        let norm = gpu.filled("norm", &norm);
        let grid = Grid { x: 1, tokens: 0 };
        let mut head = vec![gpu.step(
            include_str!("../../kernels/gpu/norm.wgsl"),
            &last,
            &[&pass, &buffers.state, &norm, &buffers.normed],
            grid,
        )];
        let operands = Operands {
            pass: &pass,
            x: &buffers.normed,
            x_stride: width,
            bias: None,
            y: &logits_on_gpu,
            y_stride: vocabulary,
            first: 0,
            add: false,
        };
        head.extend(output.as_ref().unwrap_or(&embedding).times_vector(&gpu, &operands));
        let (choice, best_on_gpu) = choice(&gpu, &logits_on_gpu, vocabulary);
        Self {
            gpu,
            bytes: bytes as usize,
            vocabulary,
            positions: 0,
            pass,
            ids,
            turns,
            one,
            many,
            head,
            choice,
            logits_on_gpu,
            best_on_gpu,
            logits: Vec::new(),
            best: Vec::new(),
        }
    }

    /// Tokens read so far.
    pub(super) fn positions(&self) -> usize {
        self.positions
    }

    /// Words that there are logits for.
    pub(super) fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Bytes of the weights on the GPU.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Dispatches for one token and the choice of the next.
    pub(super) fn dispatches(&self) -> usize {
        self.one.len() + self.head.len() + self.choice.len()
    }

    /// Forgets everything after the first `positions` tokens.
    pub(super) fn rewind(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
    }

    /// Reads the tokens that come next, at most [`TOKENS`], all below the vocabulary's size.
    pub(super) async fn read(&mut self, ids: &[u32]) -> Result<(), Problem> {
        let layers = self.begin(ids);
        self.gpu.run(layers, ids.len() as u32, None).await?;
        self.positions += ids.len();
        Ok(())
    }

    /// Reads the tokens that come next, as [`Decoder::read`]; the logits of what follows the last one.
    pub(super) async fn advance(&mut self, ids: &[u32]) -> Result<&[f32], Problem> {
        let steps = self.begin(ids).iter().chain(&self.head);
        let result = (&self.logits_on_gpu, 4 * self.vocabulary as u64);
        let bytes = self.gpu.run(steps, ids.len() as u32, Some(result)).await?;
        self.positions += ids.len();
        self.logits.clear();
        self.logits.extend(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(&self.logits)
    }

    /// Reads the tokens that come next, as [`Decoder::read`]; the best of what may follow the last one.
    pub(super) async fn best(&mut self, ids: &[u32]) -> Result<&[(u32, f32)], Problem> {
        let steps = self.begin(ids).iter().chain(&self.head).chain(&self.choice);
        let result = (&self.best_on_gpu, 8 * CANDIDATES as u64);
        let bytes = self.gpu.run(steps, ids.len() as u32, Some(result)).await?;
        self.positions += ids.len();
        self.best.clear();
        for pair in bytes.as_chunks::<8>().0 {
            let word = |at: usize| u32::from_le_bytes([pair[at], pair[at + 1], pair[at + 2], pair[at + 3]]);
            let (ordered, id) = (word(0), word(4));
            // 0 is what is no number, or no candidate at all.
            if ordered != 0 && (id as usize) < self.vocabulary {
                let bits = if ordered >> 31 == 1 { ordered & 0x7fff_ffff } else { !ordered };
                self.best.push((id, f32::from_bits(bits)));
            }
        }
        Ok(&self.best)
    }

    /// Writes what differs from pass to pass; the layers' steps.
    fn begin(&self, ids: &[u32]) -> &[Step] {
        self.gpu.write(&self.pass, 0, &[self.positions as u32, ids.len() as u32]);
        self.gpu.write(&self.ids, 0, ids);
        self.turns.write(&self.gpu, self.positions, ids.len());
        if ids.len() == 1 { &self.one } else { &self.many }
    }
}

/// What a pass works in.
struct Buffers {
    state: wgpu::Buffer,
    normed: wgpu::Buffer,
    /// Queries, keys and values of a token, one behind the other.
    heads: wgpu::Buffer,
    context: wgpu::Buffer,
    /// Gate and up of a token, one behind the other.
    gated: wgpu::Buffer,
    change: wgpu::Buffer,
}

/// A layer as the kernels take it.
struct Ready {
    attention_norm: wgpu::Buffer,
    /// Queries, keys and values: one matrix where their formats allow it.
    heads: Vec<GpuMatrix>,
    heads_bias: Option<wgpu::Buffer>,
    head_norms: wgpu::Buffer,
    norm_queries: bool,
    norm_keys: bool,
    frequencies: Vec<f32>,
    keys: wgpu::Buffer,
    values: wgpu::Buffer,
    output: GpuMatrix,
    output_bias: Option<wgpu::Buffer>,
    after_attention_norm: Option<wgpu::Buffer>,
    feed_forward_norm: wgpu::Buffer,
    /// Gate and up: one matrix where their formats allow it.
    gated: Vec<GpuMatrix>,
    gated_bias: Option<wgpu::Buffer>,
    down: GpuMatrix,
    down_bias: Option<wgpu::Buffer>,
    after_feed_forward_norm: Option<wgpu::Buffer>,
}

impl Ready {
    fn new(gpu: &Gpu, config: &Config, context: usize, layer: Layer<GpuMatrix>) -> Self {
        let some = |values: &[f32]| (!values.is_empty()).then(|| gpu.filled("norm", values));
        let Layer { query, key, value, output, gate, up, down, query_norm, key_norm, .. } = layer;
        let (heads, heads_bias) = stacked(gpu, vec![query, key, value]);
        let (gated, gated_bias) = stacked(gpu, vec![gate, up]);
        let mut head_norms = query_norm.clone();
        head_norms.resize(config.head_width, 0.0);
        head_norms.extend(&key_norm);
        // 16-bit floats, as llama.cpp keeps them.
        let cache = 2 * (context * config.key_heads * config.head_width) as u64;
        Self {
            attention_norm: gpu.filled("norm", &layer.attention_norm),
            heads,
            heads_bias,
            head_norms: gpu.filled("head norms", &head_norms),
            norm_queries: !query_norm.is_empty(),
            norm_keys: !key_norm.is_empty(),
            frequencies: layer.frequencies,
            keys: gpu.buffer("keys", cache),
            values: gpu.buffer("values", cache),
            output: output.weight,
            output_bias: some(&output.bias),
            after_attention_norm: some(&layer.after_attention_norm),
            feed_forward_norm: gpu.filled("norm", &layer.feed_forward_norm),
            gated,
            gated_bias,
            down: down.weight,
            down_bias: some(&down.bias),
            after_feed_forward_norm: some(&layer.after_feed_forward_norm),
        }
    }

    fn bytes(&self) -> u64 {
        let matrices = self.heads.iter().chain(&self.gated).chain([&self.output, &self.down]);
        matrices.map(GpuMatrix::bytes).sum()
    }
}

/// Products of the same input under each other, with their biases.
fn stacked(gpu: &Gpu, products: Vec<Linear<GpuMatrix>>) -> (Vec<GpuMatrix>, Option<wgpu::Buffer>) {
    let has_bias = products.iter().any(|product| !product.bias.is_empty());
    let bias = has_bias.then(|| {
        let mut bias = Vec::new();
        let mut rows = 0;
        for product in &products {
            bias.extend(&product.bias);
            rows += product.outputs;
            bias.resize(rows, 0.0);
        }
        gpu.filled("bias", &bias)
    });
    let matrices = products.into_iter().map(|product| product.weight).collect();
    match GpuMatrix::stack(gpu, matrices) {
        Ok(matrix) => (vec![matrix], bias),
        Err(matrices) => (matrices, bias),
    }
}

/// How a product is computed: for one token or for many.
type Product = for<'a> fn(&GpuMatrix, &Gpu, &Operands<'a>) -> Vec<Step>;

impl GpuMatrix {
    fn vector_steps(&self, gpu: &Gpu, operands: &Operands<'_>) -> Vec<Step> {
        self.times_vector(gpu, operands).collect()
    }

    fn token_steps(&self, gpu: &Gpu, operands: &Operands<'_>) -> Vec<Step> {
        self.times_tokens(gpu, operands).collect()
    }
}

/// What the steps of a layer are made from.
#[derive(Clone, Copy)]
struct Plan<'a> {
    gpu: &'a Gpu,
    config: &'a Config,
    pass: &'a wgpu::Buffer,
    buffers: &'a Buffers,
    turns: &'a Turns,
}

impl Plan<'_> {
    fn layer(self, index: usize, layer: &Ready, product: Product) -> Vec<Step> {
        let Self { gpu, config, pass, buffers, turns } = self;
        let Buffers { state, normed, heads, context, gated, .. } = buffers;
        let Config { width, feed_forward, heads: queries, key_heads, head_width, .. } = *config;
        let (query_width, head_row) = (queries * head_width, (queries + 2 * key_heads) * head_width);
        let flag = |is: bool| f64::from(u8::from(is));
        let heads_constants =
            [("QUERIES", queries as f64), ("KEYS", key_heads as f64), ("WIDTH", head_width as f64)];

        let mut steps = vec![self.norm(state, &layer.attention_norm, normed, false)];
        let operands = |x, x_stride, bias, y, y_stride| Operands {
            pass,
            x,
            x_stride,
            bias,
            y,
            y_stride,
            first: 0,
            add: false,
        };
        let under_each_other = |matrices: &[GpuMatrix], operands: Operands<'_>, steps: &mut Vec<Step>| {
            let mut first = 0;
            for matrix in matrices {
                steps.extend(product(matrix, gpu, &Operands { first, ..operands }));
                first += matrix.rows();
            }
        };
        let from_heads = operands(normed, width, layer.heads_bias.as_ref(), heads, head_row);
        under_each_other(&layer.heads, from_heads, &mut steps);
        let mut constants = heads_constants.to_vec();
        constants.extend([
            ("EPSILON", f64::from(config.epsilon)),
            ("NORM_QUERIES", flag(layer.norm_queries)),
            ("NORM_KEYS", flag(layer.norm_keys)),
            ("NEIGHBOURS", flag(config.pairing == Pairing::Neighbours)),
            ("TURNS", turns.of(&layer.frequencies) as f64),
        ]);
        steps.push(gpu.step(
            include_str!("../../kernels/gpu/heads.wgsl"),
            &constants,
            &[pass, heads, &layer.head_norms, &turns.buffer, &layer.keys, &layer.values],
            Grid { x: (queries + 2 * key_heads) as u32, tokens: 1 },
        ));
        let mut constants = heads_constants.to_vec();
        constants.extend([
            ("SCALE", f64::from(config.attention_scale)),
            ("WINDOW", config.window(index).unwrap_or(0) as f64),
        ]);
        steps.push(gpu.step(
            include_str!("../../kernels/gpu/attention.wgsl"),
            &constants,
            &[pass, heads, &layer.keys, &layer.values, context],
            Grid { x: queries as u32, tokens: 1 },
        ));
        let from_context = operands(context, query_width, layer.output_bias.as_ref(), state, width);
        steps.extend(self.add(&layer.output, from_context, layer.after_attention_norm.as_ref(), product));

        steps.push(self.norm(state, &layer.feed_forward_norm, normed, false));
        let to_gated = operands(normed, width, layer.gated_bias.as_ref(), gated, 2 * feed_forward);
        under_each_other(&layer.gated, to_gated, &mut steps);
        steps.push(gpu.step(
            include_str!("../../kernels/gpu/gate.wgsl"),
            &[("WIDTH", feed_forward as f64), ("GELU", flag(config.gate == Gate::GeluTanh))],
            &[pass, gated],
            Grid { x: feed_forward.div_ceil(64) as u32, tokens: 1 },
        ));
        let from_gated = operands(gated, 2 * feed_forward, layer.down_bias.as_ref(), state, width);
        steps.extend(self.add(&layer.down, from_gated, layer.after_feed_forward_norm.as_ref(), product));
        steps
    }

    /// `state += norm(W x + b)`, without the norm where there is none.
    fn add(
        self,
        matrix: &GpuMatrix,
        operands: Operands<'_>,
        norm: Option<&wgpu::Buffer>,
        product: Product,
    ) -> Vec<Step> {
        let Buffers { state, change, .. } = self.buffers;
        match norm {
            None => product(matrix, self.gpu, &Operands { add: true, ..operands }),
            Some(norm) => {
                let mut steps = product(matrix, self.gpu, &Operands { y: change, ..operands });
                steps.push(self.norm(change, norm, state, true));
                steps
            }
        }
    }

    fn norm(self, x: &wgpu::Buffer, scale: &wgpu::Buffer, y: &wgpu::Buffer, add: bool) -> Step {
        let constants = [
            ("WIDTH", self.config.width as f64),
            ("EPSILON", f64::from(self.config.epsilon)),
            ("ADD", f64::from(u8::from(add))),
        ];
        let buffers = [self.pass, x, scale, y];
        let grid = Grid { x: 1, tokens: 1 };
        self.gpu.step(include_str!("../../kernels/gpu/norm.wgsl"), &constants, &buffers, grid)
    }
}

/// Steps that choose the best logits, 1,024 at a time, and where they are then.
fn choice(gpu: &Gpu, logits: &wgpu::Buffer, vocabulary: usize) -> (Vec<Step>, wgpu::Buffer) {
    let mut steps = Vec::new();
    let (mut from, mut count) = (logits.clone(), vocabulary);
    loop {
        let groups = count.div_ceil(SORTED);
        let best = gpu.buffer("best", 8 * (groups * CANDIDATES) as u64);
        let constants = [("COUNT", count as f64), ("RAW", f64::from(u8::from(steps.is_empty())))];
        let grid = Grid { x: groups as u32, tokens: 0 };
        steps.push(gpu.step(include_str!("../../kernels/gpu/best.wgsl"), &constants, &[&from, &best], grid));
        (from, count) = (best, groups * CANDIDATES);
        if groups == 1 {
            return (steps, from);
        }
    }
}

/// Puts matrices into the GPU's memory.
struct Upload<'a>(&'a Gpu);

impl Place for Upload<'_> {
    type Matrix = GpuMatrix;

    async fn place<S: Source>(&mut self, file: &Gguf<S>, tensor: &TensorInfo) -> Result<GpuMatrix, Problem> {
        let format = file.format(tensor)?;
        let (rows, columns) = (tensor.rows(), tensor.columns());
        let at_a_time = (READ / format.bytes(columns).max(1)).max(1);
        let mut matrix = Filling::new(self.0, format, rows, columns);
        let mut bytes = Vec::new();
        for first in (0..rows).step_by(at_a_time) {
            file.rows(tensor, first, at_a_time.min(rows - first), &mut bytes).await?;
            matrix.push(format, &bytes);
        }
        matrix.finish().ok_or_else(|| unreadable(format_args!("tensor {} is incomplete", tensor.name)))
    }
}
