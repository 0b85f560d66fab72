//! From a description to steps.

use std::collections::HashMap;

use super::{
    Fault, Graph, Network, Operand, Step, Tensor,
    fuse::fuse,
    ops::{Context, Input, Inputs, Operator},
    pool::Pool,
};
use crate::kernels::{Level, Packed};

/// A network on its way.
pub(super) struct Draft {
    /// Those that were merged into others are none.
    pub(super) steps: Vec<Option<Step>>,
    pub(super) constants: Vec<Tensor>,
    pub(super) outputs: Vec<(String, Operand)>,
    /// How often each value is read.
    pub(super) uses: Vec<u32>,
    /// The step that computes each value.
    pub(super) producers: Vec<Option<usize>>,
}

impl Draft {
    /// Counts uses and finds producers anew, after leaving out steps that nobody needs.
    pub(super) fn survey(&mut self) {
        self.uses.fill(0);
        self.producers.fill(None);
        for (_, output) in &self.outputs {
            if let Operand::Value(value) = output {
                self.uses[*value] += 1;
            }
        }
        for index in (0..self.steps.len()).rev() {
            let Some(step) = &self.steps[index] else { continue };
            if step.outputs.iter().all(|output| self.uses[*output] == 0) {
                self.steps[index] = None;
                continue;
            }
            for input in &step.inputs {
                if let Operand::Value(value) = input {
                    self.uses[*value] += 1;
                }
            }
            for output in &step.outputs {
                self.producers[*output] = Some(index);
            }
        }
    }
}

pub(super) fn compile(graph: Graph) -> Result<Network, Fault> {
    let level = Level::detect();
    let (mut pool, mut scratch, mut packed) = (Pool::default(), Vec::new(), Packed::default());
    let mut names: HashMap<String, Operand> = HashMap::new();
    let mut draft = Draft {
        steps: Vec::new(),
        constants: Vec::new(),
        outputs: Vec::new(),
        uses: Vec::new(),
        producers: Vec::new(),
    };
    let mut values = 0;
    let mut inputs = Vec::new();
    for (name, tensor) in graph.constants {
        names.insert(name, Operand::Constant(draft.constants.len()));
        draft.constants.push(tensor);
    }
    for name in graph.inputs {
        names.insert(name.clone(), Operand::Value(values));
        inputs.push((name, values));
        values += 1;
    }
    for node in &graph.nodes {
        let place = format!("{} {}", node.kind, node.name);
        let find = |name: &String| {
            if name.is_empty() {
                return Ok(Operand::Missing);
            }
            let known = names.get(name).copied();
            known.ok_or_else(|| Fault::new(format!("{name} is used before it is computed")).at(&place))
        };
        let mut operands: Vec<Operand> = node.inputs.iter().map(find).collect::<Result<_, _>>()?;
        while operands.last() == Some(&Operand::Missing) {
            operands.pop();
        }
        if matches!(node.kind.as_str(), "Identity" | "Dropout") {
            if let (Some(operand), Some(name)) = (operands.first(), node.outputs.first()) {
                names.insert(name.clone(), *operand);
            }
            continue;
        }
        let operator = Operator::read(node, graph.opset).map_err(|fault| fault.at(&place))?;
        if !operands.iter().any(|operand| matches!(operand, Operand::Value(_))) {
            // It depends on weights alone.
            let known = operands.iter().map(|operand| match operand {
                Operand::Constant(at) => Input::Borrowed(&draft.constants[*at]),
                _ => Input::Missing,
            });
            let mut known = Inputs(known.collect());
            let mut context = Context { level, pool: &mut pool, scratch: &mut scratch, packed: &mut packed };
            let results = operator.run(&mut known, &mut context).map_err(|fault| fault.at(&place))?;
            for (name, tensor) in node.outputs.iter().zip(results) {
                names.insert(name.clone(), Operand::Constant(draft.constants.len()));
                draft.constants.push(tensor);
            }
            continue;
        }
        let outputs: Vec<usize> = (values..values + node.outputs.len()).collect();
        values += node.outputs.len();
        for (name, value) in node.outputs.iter().zip(&outputs) {
            if !name.is_empty() {
                names.insert(name.clone(), Operand::Value(*value));
            }
        }
        draft.steps.push(Some(Step { name: place, operator, inputs: operands, outputs }));
    }
    for name in graph.outputs {
        let operand =
            *names.get(&name).ok_or_else(|| Fault::new(format!("the result {name} is never computed")))?;
        draft.outputs.push((name, operand));
    }
    draft.uses = vec![0; values];
    draft.producers = vec![None; values];
    draft.survey();
    fuse(&mut draft)?;
    draft.survey();

    let steps: Vec<Step> = draft.steps.into_iter().flatten().collect();
    let mut needed = vec![false; draft.constants.len()];
    let operands =
        steps.iter().flat_map(|step| &step.inputs).chain(draft.outputs.iter().map(|(_, output)| output));
    for operand in operands {
        if let Operand::Constant(at) = operand {
            needed[*at] = true;
        }
    }
    let constants = draft.constants.into_iter().zip(needed).map(|(tensor, needed)| needed.then_some(tensor));
    Ok(Network {
        constants: constants.collect(),
        steps,
        inputs,
        outputs: draft.outputs,
        uses: draft.uses,
        level,
        pool: Pool::default(),
        scratch: Vec::new(),
        packed: Packed::default(),
    })
}
