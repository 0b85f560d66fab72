//! Small graphs whose results are known by hand or from the definition.

use super::*;

fn node(kind: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, Attribute)]) -> Node {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Node {
        name: outputs[0].into(),
        kind: kind.into(),
        inputs: names(inputs),
        outputs: names(outputs),
        attributes: Attributes(
            attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        ),
    }
}

fn graph(nodes: Vec<Node>, constants: &[(&str, Tensor)], inputs: &[&str], output: &str) -> Graph {
    Graph {
        opset: 17,
        nodes,
        constants: constants.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
        outputs: vec![output.to_owned()],
    }
}

fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::floats(shape.to_vec(), values.to_vec()).expect("the test's own shape is right")
}

/// The result of one operator whose inputs are given at the run.
fn one(kind: &str, inputs: &[Tensor], attributes: &[(&str, Attribute)]) -> Result<Tensor, Fault> {
    let names = ["a", "b", "c", "d", "e"];
    let used = &names[..inputs.len()];
    let mut network = Network::new(graph(vec![node(kind, used, &["y"], attributes)], &[], used, "y"))?;
    let given = used.iter().copied().zip(inputs.iter().cloned()).collect();
    Ok(network.run(given)?.remove(0))
}

fn ints(values: &[i64]) -> Attribute {
    Attribute::Integers(values.to_vec())
}

#[test]
fn operators_give_what_onnx_defines() {
    let x = floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let list = |values: &[i64]| Tensor::list(values.to_vec());
    let cases = [
        (
            "Add",
            vec![x.clone(), floats(&[3], &[10.0, 20.0, 30.0])],
            vec![],
            floats(&[2, 3], &[11.0, 22.0, 33.0, 14.0, 25.0, 36.0]),
        ),
        (
            "Sub",
            vec![floats(&[2, 1], &[10.0, 20.0]), x.clone()],
            vec![],
            floats(&[2, 3], &[9.0, 8.0, 7.0, 16.0, 15.0, 14.0]),
        ),
        (
            "Transpose",
            vec![x.clone()],
            vec![("perm", ints(&[1, 0]))],
            floats(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        ),
        (
            "Concat",
            vec![x.clone(), floats(&[2, 1], &[7.0, 8.0])],
            vec![("axis", Attribute::Integer(1))],
            floats(&[2, 4], &[1.0, 2.0, 3.0, 7.0, 4.0, 5.0, 6.0, 8.0]),
        ),
        (
            "Gather",
            vec![x.clone(), list(&[-1, 0])],
            vec![("axis", Attribute::Integer(1))],
            floats(&[2, 2], &[3.0, 1.0, 6.0, 4.0]),
        ),
        (
            "Slice",
            vec![x.clone(), list(&[2]), list(&[-10]), list(&[1]), list(&[-1])],
            vec![],
            floats(&[2, 3], &[3.0, 2.0, 1.0, 6.0, 5.0, 4.0]),
        ),
        (
            "Reshape",
            vec![x.clone(), list(&[-1, 2])],
            vec![],
            floats(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ),
        (
            "Tile",
            vec![x.clone(), list(&[1, 2])],
            vec![],
            floats(&[2, 6], &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0]),
        ),
        (
            "Expand",
            vec![floats(&[2, 1], &[1.0, 2.0]), list(&[2])],
            vec![],
            floats(&[2, 2], &[1.0, 1.0, 2.0, 2.0]),
        ),
        ("ReduceMean", vec![x.clone()], vec![("axes", ints(&[0]))], floats(&[1, 3], &[2.5, 3.5, 4.5])),
        (
            "ReduceSum",
            vec![x.clone(), list(&[1])],
            vec![("keepdims", Attribute::Integer(0))],
            floats(&[2], &[6.0, 15.0]),
        ),
        (
            "ArgMax",
            vec![x.clone()],
            vec![("axis", Attribute::Integer(1)), ("keepdims", Attribute::Integer(0))],
            list(&[2, 2]),
        ),
        (
            "CumSum",
            vec![x.clone(), Tensor::integers(vec![], vec![1]).unwrap()],
            vec![],
            floats(&[2, 3], &[1.0, 3.0, 6.0, 4.0, 9.0, 15.0]),
        ),
        (
            "MatMul",
            vec![x.clone(), floats(&[3, 1], &[1.0, 0.0, -1.0])],
            vec![],
            floats(&[2, 1], &[-2.0, -2.0]),
        ),
        (
            "Greater",
            vec![x.clone(), Tensor::scalar(3.5)],
            vec![],
            Tensor::integers(vec![2, 3], vec![0, 0, 0, 1, 1, 1]).unwrap(),
        ),
        (
            "Clip",
            vec![x.clone(), Tensor::scalar(2.0), Tensor::scalar(5.0)],
            vec![],
            floats(&[2, 3], &[2.0, 2.0, 3.0, 4.0, 5.0, 5.0]),
        ),
        ("Cast", vec![floats(&[2], &[1.9, -1.9])], vec![("to", Attribute::Integer(7))], list(&[1, -1])),
        ("Unsqueeze", vec![list(&[4]), list(&[0])], vec![], Tensor::integers(vec![1, 1], vec![4]).unwrap()),
        (
            "Range",
            vec![
                Tensor::integers(vec![], vec![1]).unwrap(),
                Tensor::integers(vec![], vec![8]).unwrap(),
                Tensor::integers(vec![], vec![3]).unwrap(),
            ],
            vec![],
            list(&[1, 4, 7]),
        ),
        (
            "Pad",
            vec![floats(&[1, 2], &[1.0, 2.0]), list(&[0, 1, 0, 2])],
            vec![],
            floats(&[1, 5], &[0.0, 1.0, 2.0, 0.0, 0.0]),
        ),
        (
            "Pad",
            vec![floats(&[1, 3], &[1.0, 2.0, 3.0]), list(&[0, 2, 0, 1])],
            vec![("mode", Attribute::Text("reflect".into()))],
            floats(&[1, 6], &[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]),
        ),
    ];
    for (kind, inputs, attributes, want) in cases {
        assert_eq!(
            one(kind, &inputs, &attributes).unwrap_or_else(|fault| panic!("{kind}: {fault}")),
            want,
            "{kind}"
        );
    }
}

#[test]
fn images_are_pooled_and_resized() {
    let x = floats(&[1, 1, 3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let same = ("auto_pad", Attribute::Text("SAME_UPPER".into()));
    let got = one("MaxPool", std::slice::from_ref(&x), &[("kernel_shape", ints(&[2, 2])), same]).unwrap();
    assert_eq!(got, floats(&[1, 1, 3, 3], &[5.0, 6.0, 6.0, 8.0, 9.0, 9.0, 8.0, 9.0, 9.0]));
    let mut settings =
        vec![("kernel_shape", ints(&[3, 3])), ("pads", ints(&[1, 1, 1, 1])), ("strides", ints(&[2, 2]))];
    let got = one("AveragePool", std::slice::from_ref(&x), &settings).unwrap();
    assert_eq!(got, floats(&[1, 1, 2, 2], &[3.0, 4.0, 6.0, 7.0]));
    settings.push(("count_include_pad", Attribute::Integer(1)));
    let got = one("AveragePool", std::slice::from_ref(&x), &settings).unwrap();
    assert_eq!(got, floats(&[1, 1, 2, 2], &[12.0 / 9.0, 16.0 / 9.0, 24.0 / 9.0, 28.0 / 9.0]));
    let nearest = [
        ("coordinate_transformation_mode", Attribute::Text("asymmetric".into())),
        ("nearest_mode", Attribute::Text("floor".into())),
    ];
    let roi = floats(&[0], &[]);
    let scales = floats(&[4], &[1.0, 1.0, 1.0, 2.0]);
    let got = one("Resize", &[x.clone(), roi.clone(), scales], &nearest).unwrap();
    assert_eq!(got.as_floats().unwrap()[..6], [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    // Half-pixel centres: values from the definition.
    let linear = [("mode", Attribute::Text("linear".into()))];
    let got = one(
        "Resize",
        &[floats(&[1, 1, 1, 2], &[0.0, 4.0]), roi, floats(&[4], &[1.0, 1.0, 1.0, 2.0])],
        &linear,
    )
    .unwrap();
    assert_eq!(got, floats(&[1, 1, 1, 4], &[0.0, 1.0, 3.0, 4.0]));
}

#[test]
fn a_transposed_convolution_spreads_each_pixel() {
    let x = floats(&[1, 2, 1, 2], &[1.0, 2.0, 10.0, 20.0]);
    // Two input channels, one output channel, filters of 2 x 2.
    let weights = floats(&[2, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0, 0.1, 0.2, 0.3, 0.4]);
    let got = one("ConvTranspose", &[x.clone(), weights.clone()], &[("strides", ints(&[2, 2]))]).unwrap();
    assert_eq!(got, floats(&[1, 1, 2, 4], &[2.0, 4.0, 4.0, 8.0, 6.0, 8.0, 12.0, 16.0]));
    // Overlapping patches add up: stride 1.
    let got = one("ConvTranspose", &[x, weights], &[]).unwrap();
    assert_eq!(got, floats(&[1, 1, 2, 3], &[2.0, 8.0, 8.0, 6.0, 20.0, 16.0]));
}

#[test]
fn what_exporters_spell_out_is_one_step_again() {
    let half = |name: &str, value: f32| (name.to_owned(), Tensor::scalar(value));
    let numbers: Vec<(String, Tensor)> = vec![
        half("root", std::f32::consts::SQRT_2),
        half("one", 1.0),
        half("half", 0.5),
        half("two", 2.0),
        half("eps", 1e-5),
    ];
    let mut constants: Vec<(&str, Tensor)> = numbers.iter().map(|(n, t)| (n.as_str(), t.clone())).collect();
    constants.push(("w", floats(&[2, 3], &[1.0, 0.5, -1.0, 2.0, 0.0, 1.0])));
    constants.push(("b", floats(&[3], &[0.1, 0.2, 0.3])));
    constants.push(("gamma", floats(&[3], &[1.0, 2.0, 3.0])));
    constants.push(("beta", floats(&[3], &[0.5, 0.0, -0.5])));
    let nodes = vec![
        node("MatMul", &["x", "w"], &["m"], &[]),
        node("Add", &["b", "m"], &["mb"], &[]),
        node("Div", &["mb", "root"], &["d"], &[]),
        node("Erf", &["d"], &["e"], &[]),
        node("Add", &["e", "one"], &["e1"], &[]),
        node("Mul", &["mb", "e1"], &["g2"], &[]),
        node("Mul", &["g2", "half"], &["g"], &[]),
        node("ReduceMean", &["g"], &["mean"], &[("axes", ints(&[-1]))]),
        node("Sub", &["g", "mean"], &["c"], &[]),
        node("Pow", &["c", "two"], &["c2"], &[]),
        node("ReduceMean", &["c2"], &["var"], &[("axes", ints(&[-1]))]),
        node("Add", &["var", "eps"], &["vare"], &[]),
        node("Sqrt", &["vare"], &["dev"], &[]),
        node("Div", &["c", "dev"], &["n"], &[]),
        node("Mul", &["n", "gamma"], &["ng"], &[]),
        node("Add", &["ng", "beta"], &["y"], &[]),
    ];
    let x = floats(&[1, 2], &[0.3, -0.7]);
    let mut network = Network::new(graph(nodes.clone(), &constants, &["x"], "y")).unwrap();
    assert_eq!(network.steps(), 2, "a product with offset and GELU, and a normalisation");
    let fused = network.run(vec![("x", x.clone())]).unwrap().remove(0);
    // The same step by step: every value is a result, so that nothing can be merged.
    let mut whole = graph(nodes, &constants, &["x"], "y");
    whole.outputs = whole.nodes.iter().map(|node| node.outputs[0].clone()).collect();
    let apart = Network::new(whole).unwrap().run(vec![("x", x)]).unwrap().pop().unwrap();
    for (a, b) in fused.as_floats().unwrap().iter().zip(apart.as_floats().unwrap()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn normalisation_and_activation_go_into_a_convolution() {
    let numbers = |shape: &[usize], seed: usize| {
        let count = shape.iter().product();
        floats(shape, &(0..count).map(|i| ((i * 37 + seed) % 17) as f32 / 8.0 - 1.0).collect::<Vec<_>>())
    };
    let constants = [
        ("w", numbers(&[4, 3, 3, 3], 1)),
        ("gamma", numbers(&[4], 2)),
        ("beta", numbers(&[4], 3)),
        ("mean", numbers(&[4], 4)),
        ("var", floats(&[4], &[0.5, 1.0, 2.0, 0.1])),
        ("more", numbers(&[1, 4, 1, 1], 5)),
    ];
    let nodes = vec![
        node("Pad", &["x"], &["p"], &[("pads", ints(&[0, 0, 1, 0, 0, 0, 0, 1]))]),
        node("Conv", &["p", "w"], &["c"], &[("pads", ints(&[0, 1, 1, 0]))]),
        node("BatchNormalization", &["c", "gamma", "beta", "mean", "var"], &["n"], &[]),
        node("Add", &["n", "more"], &["a"], &[]),
        node("Sigmoid", &["a"], &["s"], &[]),
        node("Mul", &["a", "s"], &["y"], &[]),
    ];
    let x = numbers(&[2, 3, 5, 6], 6);
    let mut network = Network::new(graph(nodes.clone(), &constants, &["x"], "y")).unwrap();
    assert_eq!(network.steps(), 1);
    let fused = network.run(vec![("x", x.clone())]).unwrap().remove(0);
    let mut whole = graph(nodes, &constants, &["x"], "y");
    whole.outputs = whole.nodes.iter().map(|node| node.outputs[0].clone()).collect();
    let apart = Network::new(whole).unwrap().run(vec![("x", x)]).unwrap().pop().unwrap();
    assert_eq!(fused.shape(), [2, 4, 5, 6]);
    for (a, b) in fused.as_floats().unwrap().iter().zip(apart.as_floats().unwrap()) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn integer_products_equal_whole_numbers() {
    let a = floats(&[2, 3], &[0.0, 100.0, 255.0, 7.0, 8.0, 9.0]);
    let b = floats(&[3, 2], &[-128.0, 1.0, 127.0, 2.0, 3.0, -4.0]);
    let nodes = vec![node("MatMulInteger", &["a", "b", "za", "zb"], &["y"], &[])];
    let constants = [("b", b), ("zb", Tensor::scalar(1.0))];
    let mut network = Network::new(graph(nodes, &constants, &["a", "za"], "y")).unwrap();
    let got = network.run(vec![("a", a), ("za", Tensor::scalar(10.0))]).unwrap().remove(0);
    // (a - 10) (b - 1), by hand.
    assert_eq!(got, floats(&[2, 2], &[13120.0, -1135.0, 133.0, 3.0]));
    let quantised = node("DynamicQuantizeLinear", &["x"], &["q", "scale", "zero"], &[]);
    let mut whole = graph(vec![quantised], &[], &["x"], "q");
    whole.outputs = vec!["q".into(), "scale".into(), "zero".into()];
    let got = Network::new(whole).unwrap().run(vec![("x", floats(&[4], &[0.0, 2.0, -3.0, -2.5]))]).unwrap();
    // The example of ONNX's specification.
    assert_eq!(got[0], floats(&[4], &[153.0, 255.0, 0.0, 26.0]));
    assert!((got[1].as_number().unwrap() - 0.019_607_844).abs() < 1e-8);
    assert_eq!(got[2], Tensor::scalar(153.0));
}

#[test]
fn a_value_that_is_used_twice_is_not_written_into() {
    let nodes = vec![
        node("Relu", &["x"], &["r"], &[]),
        node("Neg", &["r"], &["n"], &[]),
        node("Mul", &["r", "r"], &["s"], &[]),
        node("Add", &["s", "n"], &["y"], &[]),
    ];
    let mut network = Network::new(graph(nodes, &[], &["x"], "y")).unwrap();
    for _ in 0..3 {
        let got = network.run(vec![("x", floats(&[3], &[-1.0, 2.0, 3.0]))]).unwrap().remove(0);
        assert_eq!(got, floats(&[3], &[0.0, 2.0, 6.0]));
        network.recycle(got);
    }
}

#[test]
fn what_cannot_be_computed_is_named() {
    let unknown = Network::new(graph(vec![node("Einsum", &["x"], &["y"], &[])], &[], &["x"], "y"));
    assert!(unknown.unwrap_err().to_string().contains("Einsum"));
    let early = Network::new(graph(vec![node("Relu", &["z"], &["y"], &[])], &[], &["x"], "y"));
    assert!(early.unwrap_err().to_string().contains("z is used before"));
    let misfit = one("Add", &[floats(&[2], &[1.0, 2.0]), floats(&[3], &[1.0, 2.0, 3.0])], &[]);
    assert!(misfit.unwrap_err().to_string().contains("Add y"));
    let huge = one("Expand", &[floats(&[1], &[1.0]), Tensor::list(vec![1 << 40])], &[]);
    assert!(huge.unwrap_err().to_string().contains("too large"));
    let missing =
        Network::new(graph(vec![node("Relu", &["x"], &["y"], &[])], &[], &["x"], "y")).unwrap().run(vec![]);
    assert!(missing.unwrap_err().to_string().contains("x is missing"));
}

#[test]
fn functions_of_one_number_are_found_by_name() {
    let x = floats(&[3], &[-1.5, 0.0, 2.5]);
    for (kind, want) in [
        ("Abs", [1.5, 0.0, 2.5]),
        ("Neg", [1.5, 0.0, -2.5]),
        ("Floor", [-2.0, 0.0, 2.0]),
        ("Ceil", [-1.0, 0.0, 3.0]),
        ("Round", [-2.0, 0.0, 2.0]),
        ("Relu", [0.0, 0.0, 2.5]),
    ] {
        assert_eq!(one(kind, std::slice::from_ref(&x), &[]).unwrap(), floats(&[3], &want), "{kind}");
    }
}
