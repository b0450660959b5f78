//! Every fused operation against burn's own operations, forward and backward.

use burn::{
    module::Param,
    tensor::{Device, Distribution, FloatDType, Tensor, TensorData},
};

use crate::{CausalConv3d, Conv2d, Linear, Pack, PackedLinear, Packing, Precision, with_precision};

/// Maximum relative error of pointwise operations, which are f32 on both sides.
const EXACT: f64 = 2e-5;
/// Maximum relative error of products, whose inputs are rounded to bf16.
const ROUNDED: f64 = 2e-2;

fn random<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(dims, Distribution::Normal(0.0, 1.0), device)
}

fn worst(a: TensorData, b: TensorData) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let (a, b): (Vec<f32>, Vec<f32>) = (a.iter::<f32>().collect(), b.iter::<f32>().collect());
    let scale = b.iter().fold(1e-9f32, |max, x| max.max(x.abs()));
    a.iter().zip(&b).fold(0.0, |max, (a, b)| {
        assert!(a.is_finite());
        f64::max(max, f64::from((a - b).abs() / scale))
    })
}

/// Holds `fused` against `plain`: the result, and the gradient by every input.
fn compare<const A: usize, const B: usize, const C: usize, const R: usize>(
    what: &str,
    dims: ([usize; A], [usize; B], [usize; C]),
    grads: [bool; 3],
    tolerance: f64,
    fused: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<R>,
    plain: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<R>,
) {
    let device = Device::flex().autodiff();
    let (a, b, c) = (random(dims.0, &device), random(dims.1, &device), random(dims.2, &device));
    let (a, b, c) = (a.into_data(), b.into_data(), c.into_data());
    let mut weights = None;
    let mut run = |f: &dyn Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<R>| {
        let a = Tensor::<A>::from_data(a.clone(), &device).require_grad();
        let b = Tensor::<B>::from_data(b.clone(), &device).require_grad();
        let c = Tensor::<C>::from_data(c.clone(), &device).require_grad();
        let y = f(a.clone(), b.clone(), c.clone());
        let weights = weights.get_or_insert_with(|| random(y.dims(), &device).into_data()).clone();
        let loss = (y.clone() * Tensor::from_data(weights, &device)).sum();
        let mut by = loss.backward();
        let grads = [
            grads[0].then(|| a.grad_remove(&mut by).expect("a gradient").into_data()),
            grads[1].then(|| b.grad_remove(&mut by).expect("a gradient").into_data()),
            grads[2].then(|| c.grad_remove(&mut by).expect("a gradient").into_data()),
        ];
        (y.into_data(), grads)
    };
    let (fused, fused_grads) = run(&fused);
    let (plain, plain_grads) = run(&plain);
    let error = worst(fused, plain);
    assert!(error < tolerance, "{what}: {error:e}");
    for (i, (fused, plain)) in fused_grads.into_iter().zip(plain_grads).enumerate() {
        if let (Some(fused), Some(plain)) = (fused, plain) {
            let error = worst(fused, plain);
            assert!(error < tolerance, "{what}, gradient {i}: {error:e}");
        }
    }
}

#[test]
fn axes_in_another_order() {
    compare(
        "permute",
        ([2, 3, 4, 5], [1], [1]),
        [true, false, false],
        EXACT,
        |x, _, _| crate::permute(x, [2, 0, 3, 1]),
        |x, _, _| x.permute([2, 0, 3, 1]),
    );
    // What is no whole tensor in memory: a part of one, and one that stands the other way.
    let x = random([4, 6, 5], &Device::flex());
    for x in [x.clone().narrow(1, 2, 3), x.clone().swap_dims(0, 2), x.narrow(0, 1, 1).expand([3, 6, 5])] {
        let expected = x.clone().permute([1, 2, 0]).into_data();
        assert_eq!(crate::permute(x, [1, 2, 0]).into_data(), expected);
    }
}

fn bf16<R>(work: impl FnOnce() -> R) -> R {
    with_precision(Precision::Bf16, work)
}

#[test]
fn linear() {
    compare(
        "linear",
        ([2, 9, 40], [70, 40], [70]),
        [true; 3],
        ROUNDED,
        |x, w, b| bf16(|| crate::linear(x, w, Some(b))),
        |x, w, b| crate::linear(x, w, Some(b)),
    );
}

#[test]
fn attention() {
    compare(
        "attention",
        ([2, 9, 3, 16], [2, 5, 3, 16], [2, 5, 3, 16]),
        [true; 3],
        ROUNDED,
        |q, k, v| bf16(|| crate::attention(q, k, v)),
        crate::attention,
    );
}

#[test]
fn attention_with_a_bias() {
    let device = Device::flex();
    let [q, k, v] = [9, 5, 5].map(|tokens| random::<4>([2, tokens, 3, 16], &device));
    let by_distance = random([3, 13], &device);
    let by_key = Tensor::<2>::from_data([[0.0f32, 0.0, 0.0, -1e9, -1e9], [0.0; 5]], &device);
    let run = || {
        let q = q.clone().div_scalar(4.0);
        crate::attention_biased(q, k.clone(), v.clone(), by_distance.clone(), by_key.clone()).into_data()
    };
    let error = worst(bf16(run), run());
    assert!(error < ROUNDED, "{error:e}");
    // With gradients, of which the kernel has none.
    let biased = |q: Tensor<4>, k: Tensor<4>, by_distance: Tensor<2>| {
        let by_key = Tensor::zeros([2, 5], &k.device());
        crate::attention_biased(q, k.clone(), k, by_distance, by_key)
    };
    compare(
        "attention with a bias",
        ([2, 9, 3, 16], [2, 5, 3, 16], [3, 13]),
        [true; 3],
        EXACT,
        |q, k, by_distance| bf16(|| biased(q, k, by_distance)),
        biased,
    );
}

#[test]
fn convolutions() {
    compare(
        "causal 3-D",
        ([2, 3, 4, 6, 5], [7, 3, 3, 3, 3], [7]),
        [true; 3],
        ROUNDED,
        |x, w, b| bf16(|| crate::causal_conv3d(x, w, b, [1; 3], [2, 1, 1])),
        |x, w, b| crate::causal_conv3d(x, w, b, [1; 3], [2, 1, 1]),
    );
    // A still takes a shorter way; a still after two black frames does not.
    let zeros = |x: &Tensor<5>| x.zeros_like().repeat_dim(2, 2);
    compare(
        "causal 3-D of a still",
        ([2, 3, 1, 6, 5], [7, 3, 3, 3, 3], [7]),
        [true; 3],
        ROUNDED,
        |x, w, b| bf16(|| crate::causal_conv3d(x, w, b, [1; 3], [2, 1, 1])),
        |x, w, b| crate::causal_conv3d(Tensor::cat(vec![zeros(&x), x], 2), w, b, [1; 3], [0, 1, 1]),
    );
    for (kernel, stride, [inputs, outputs, height, width]) in [
        ([3, 1, 1], [1; 3], [3, 7, 6, 8]),
        ([3; 3], [1, 2, 2], [3, 7, 6, 8]),
        ([3; 3], [1; 3], [12, 32, 32, 32]),
        ([1, 3, 3], [1, 2, 2], [32, 48, 32, 32]),
        ([1, 3, 3], [1; 3], [48, 48, 16, 16]),
        ([5, 1, 1], [1; 3], [48, 48, 8, 8]),
        ([1, 3, 3], [1; 3], [87, 64, 16, 16]),
        ([3; 3], [1; 3], [64, 64, 16, 16]),
        ([1, 3, 3], [1; 3], [64, 56, 16, 16]),
    ] {
        let [kt, kh, kw] = kernel;
        compare(
            "3-D that sees both ways",
            ([2, inputs, 4, height, width], [outputs, inputs, kt, kh, kw], [outputs]),
            [true; 3],
            ROUNDED,
            |x, w, b| bf16(|| crate::conv3d(x, w, b, stride)),
            |x, w, b| crate::conv3d(x, w, b, stride),
        );
    }
    compare(
        "2-D with stride",
        ([2, 3, 8, 6], [5, 3, 3, 3], [5]),
        [true; 3],
        ROUNDED,
        |x, w, b| bf16(|| crate::conv2d(x, w, b, 2, [0, 1])),
        |x, w, b| crate::conv2d(x, w, b, 2, [0, 1]),
    );
}

#[test]
fn pointwise() {
    use crate::{activation, modulate, norm};
    let x = [2, 12, 32];
    compare(
        "layer norm with modulation",
        (x, [2, 4, 32], [2, 4, 32]),
        [true; 3],
        EXACT,
        |x, shift, scale| crate::layer_norm_modulate(x, shift, scale, 1e-6),
        |x, shift, scale| modulate::plain_layer_norm_modulate(x, shift, scale, 1e-6),
    );
    compare(
        "gated residual",
        (x, x, [2, 4, 32]),
        [true; 3],
        EXACT,
        crate::gated_residual,
        modulate::plain_gated_residual,
    );
    compare(
        "rms norm",
        (x, [32], [1]),
        [true, true, false],
        EXACT,
        |x, w, _| crate::rms_norm(x, w, 1e-6),
        |x, w, _| norm::plain_rms_norm(x, w, 1e-6),
    );
    compare(
        "layer norm",
        (x, [32], [32]),
        [true; 3],
        EXACT,
        |x, w, b| crate::layer_norm(x, Some(w), Some(b), 1e-6),
        |x, w, b| norm::plain_layer_norm(x, Some(w), Some(b), 1e-6),
    );
    for silu in [false, true] {
        compare(
            "channel norm",
            ([2, 8, 3, 5, 7], [8], [1]),
            [true, true, false],
            EXACT,
            |x, gamma, _| crate::channel_rms_norm(x, gamma, silu),
            |x, gamma, _| norm::plain_channel_rms_norm(x, gamma, silu),
        );
    }
    compare(
        "rope",
        ([2, 6, 3, 8], [6, 4], [6, 4]),
        [true, false, false],
        EXACT,
        crate::rope,
        crate::rope::plain_rope,
    );
    let table = |x: &Tensor<4>| {
        let angles = Tensor::<1>::from_data([0.3f32, -1.2, 2.0, 0.0, 0.7, -0.4], &x.device());
        let angles = angles.reshape([6, 1]).repeat_dim(1, 4);
        (angles.clone().cos(), angles.sin())
    };
    compare(
        "rms norm and rope",
        ([2, 6, 3, 8], [24], [1]),
        [true, true, false],
        EXACT,
        |x, w, _| {
            let (cos, sin) = table(&x);
            crate::rms_norm_rope(x, w, 1e-6, cos, sin)
        },
        |x, w, _| {
            let (cos, sin) = table(&x);
            crate::rope::plain_rms_norm_rope(x, w, 1e-6, cos, sin)
        },
    );
    compare(
        "gelu",
        (x, [1], [1]),
        [true, false, false],
        EXACT,
        |x, _, _| crate::gelu_tanh(x),
        |x, _, _| activation::plain_gelu_tanh(x),
    );
}

/// Maximum relative error of products in eight bits with random inputs.
const QUANTISED: f64 = 3e-2;

/// Holds a layer with packed weights against the same layer with its own, in f32.
fn compare_packed<L: Pack + Clone, const A: usize, const R: usize>(
    what: &str,
    layer: &L,
    dims: [usize; A],
    forward: impl Fn(&L, Tensor<A>) -> Tensor<R>,
) {
    let x = random(dims, &Device::flex());
    let plain = forward(layer, x.clone()).into_data();
    for (packing, tolerance) in [(Packing::Bf16, ROUNDED), (Packing::Int8, QUANTISED)] {
        let mut packed = layer.clone();
        packed.pack(packing);
        packed.pack(Packing::Bf16); // packed already: nothing happens
        let error = worst(forward(&packed, x.clone()).into_data(), plain.clone());
        assert!(error > 0.0 && error < tolerance, "{what} {packing:?}: {error:e}");
    }
}

fn random_linear(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Linear {
    let mut layer = Linear::new(inputs, outputs, bias, device);
    layer.weight = random([outputs, inputs], device).into();
    layer.bias = layer.bias.map(|_| Param::from_tensor(random([outputs], device)));
    layer
}

#[test]
fn packed_layers() {
    let device = Device::flex();
    for bias in [true, false] {
        let layer = random_linear(40, 70, bias, &device);
        compare_packed("linear", &layer, [2, 9, 40], Linear::forward);
        compare_packed("linear and GELU", &layer, [2, 9, 40], Linear::forward_gelu);
    }
    let mut conv = CausalConv3d::new([10, 20], [3; 3], [1; 3], [1; 3], &device);
    conv.weight = random([20, 10, 3, 3, 3], &device).into();
    conv.bias = Param::from_tensor(random([20], &device));
    compare_packed("causal convolution", &conv, [2, 10, 3, 5, 7], CausalConv3d::forward);
    compare_packed("the same in a stream", &conv, [1, 10, 4, 5, 7], |conv, x| {
        conv.forward_after(1, vec![], x)
    });
    for kept in [FloatDType::F32, FloatDType::BF16] {
        compare_packed("behind kept frames", &conv, [2, 10, 4, 5, 7], |conv, x| {
            let past = [0, 1].map(|at| x.clone().narrow(2, at, 1).cast(kept));
            conv.forward_after(0, past.to_vec(), x.narrow(2, 2, 2))
        });
    }
    let mut conv = Conv2d::new([10, 20], 3, 2, [0, 1], &device);
    conv.weight = random([20, 10, 3, 3], &device).into();
    compare_packed("convolution of images", &conv, [3, 10, 6, 8], Conv2d::forward);
}

#[test]
fn packing_frees_the_weights_and_leaves_those_that_learn() {
    let mut layer = random_linear(40, 70, true, &Device::flex());
    layer.pack(Packing::Int8);
    assert_eq!(layer.weight.packed().map(PackedLinear::outputs), Some(70));

    let mut layer = random_linear(40, 70, true, &Device::flex().autodiff());
    layer.pack(Packing::Int8);
    assert_eq!(layer.weight.dense().dims(), [70, 40]);
}
