"""What kind of work each ATen operator is: from a table of names, else from PyTorch's own tags.

Operators that are in neither are taken apart where PyTorch can do so, and reported as uncounted where it cannot.
"""

from functools import cache

import torch
from torch._ops import OpOverload

from leadline.architecture.conventions import Kind

_NAMES: dict[Kind, str] = {
    "convolution": """conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution _convolution
        convolution_overrideable mkldnn_convolution cudnn_convolution cudnn_convolution_transpose conv_tbc""",
    "linear": "linear mkldnn_linear",
    "product": """matmul mm bmm addmm addbmm baddbmm mv addmv dot vdot inner ger outer addr bilinear _trilinear cdist
        _cdist_forward _euclidean_dist _scaled_mm fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft fft_fft2
        fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn fft_ifftn fft_rfftn fft_irfftn _fft_r2c _fft_c2r _fft_c2c""",
    "attention": """scaled_dot_product_attention _scaled_dot_product_flash_attention
        _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention
        _scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable""",
    "recurrent": """lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell mkldnn_rnn_layer""",
    "normalization": """batch_norm native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
        cudnn_batch_norm _batch_norm_with_update _batch_norm_no_update layer_norm native_layer_norm group_norm
        native_group_norm instance_norm rms_norm _fused_rms_norm""",
    "pooling": """max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices
        max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
        adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
        adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d mkldnn_max_pool2d mkldnn_adaptive_avg_pool2d
        max_unpool2d max_unpool3d""",
    "upsampling": """upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
        _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
        _upsample_bilinear2d_aa upsample_bicubic2d _upsample_bicubic2d_aa upsample_trilinear3d grid_sampler
        grid_sampler_2d grid_sampler_3d""",
    "activation": """relu relu_ relu6 sigmoid tanh gelu silu mish elu selu celu leaky_relu hardtanh hardswish
        hardsigmoid softplus softshrink hardshrink threshold prelu _prelu_kernel glu log_sigmoid log_sigmoid_forward
        softmax log_softmax _softmax _log_softmax special_softmax special_log_softmax rrelu rrelu_with_noise""",
    "elementwise": """dropout alpha_dropout feature_dropout feature_alpha_dropout native_dropout bernoulli where
        absolute square divide multiply subtract true_divide negative rsub floor_divide masked_fill lerp clip greater
        greater_equal less less_equal not_equal isclose complex polar type_as affine_grid_generator _fused_dropout
        index_add scatter_add scatter_reduce uniform normal fill zero exponential log_normal random""",
    "reduction": """sum mean var std var_mean std_mean max min amax amin aminmax prod all any argmax argmin norm
        linalg_vector_norm linalg_norm logsumexp cumsum cumprod logcumsumexp cummax cummin sort argsort topk median
        mode kthvalue trace count_nonzero mse_loss l1_loss smooth_l1_loss huber_loss cross_entropy_loss nll_loss
        nll_loss_forward nll_loss2d nll_loss2d_forward nll_loss_nd binary_cross_entropy
        binary_cross_entropy_with_logits kl_div cosine_similarity pairwise_distance dist soft_margin_loss bincount
        histc unique_dim _unique2 segment_reduce norm_except_dim _weight_norm _weight_norm_interface
        hinge_embedding_loss margin_ranking_loss triplet_margin_loss poisson_nll_loss renorm bucketize searchsorted""",
    "embedding": "embedding embedding_bag _embedding_bag _embedding_bag_forward_only",
    "copy": """cat concat concatenate stack hstack vstack dstack column_stack pad constant_pad_nd _pad_circular
        _pad_enum reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
        replication_pad3d gather index index_select take take_along_dim masked_select repeat tile repeat_interleave
        flip fliplr flipud roll rot90 clone contiguous reshape flatten to _to_copy copy copy_ float double half
        bfloat16 type pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle im2col col2im scatter
        index_put index_put_ _index_put_impl_ index_copy index_fill slice_scatter select_scatter diagonal_scatter
        as_strided_scatter tril triu diag_embed diag block_diag one_hot meshgrid expand_copy view_copy permute_copy
        _reshape_copy _unsafe_index _unsafe_view _reshape_alias masked_scatter put unfold_copy detach_copy alias_copy
        fused_nested _pack_padded_sequence _pad_packed_sequence nested_to_padded_tensor resize resize_as
        view_as_complex_copy view_as_real_copy fft_fftshift fft_ifftshift embedding_renorm set_ resize_
        lift_fresh_copy unfold pdist_copy unique_consecutive nonzero nonzero_numpy argwhere""",
    "creation": """zeros ones empty full arange linspace logspace eye rand randn randint randperm zeros_like ones_like
        empty_like full_like rand_like randn_like randint_like new_zeros new_ones new_empty new_full new_empty_strided
        empty_strided empty_permuted scalar_tensor tensor range tril_indices triu_indices hann_window hamming_window
        blackman_window kaiser_window bartlett_window fft_fftfreq fft_rfftfreq multinomial poisson lift_fresh lift
        empty_quantized""",
    "free": """item _local_scalar_dense size sym_size stride sym_stride numel sym_numel dim storage_offset
        sym_storage_offset is_contiguous sym_is_contiguous is_same_size is_nonzero is_complex is_floating_point
        is_signed equal allclose result_type can_cast promote_types is_pinned device is_leaf is_inference
        _has_compatible_shallow_copy_type detach detach_ alias requires_grad_ unbind split chunk split_with_sizes
        unsafe_split unsafe_chunk unsafe_split_with_sizes tensor_split broadcast_tensors data sym_constrain_range
        sym_constrain_range_for_size _assert_async _assert_scalar _assert_tensor_metadata is_conj is_neg output_nr
        cudnn_is_acceptable _version retains_grad""",
}
_BY_NAME: dict[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}


@cache
def kind_of(operator: OpOverload) -> Kind | None:
    """The kind of an operator, None where neither the table nor a tag knows it.

    >>> kind_of(torch.ops.aten.conv2d.default), kind_of(torch.ops.aten.relu_.default)
    ('convolution', 'activation')
    """
    if operator.namespace not in ("aten", "prim", "prims"):
        return None
    name = operator._schema.name.split("::")[1]
    known = _BY_NAME.get(name) or _BY_NAME.get(name.removesuffix("_"))
    if known is not None:
        return known
    if torch.Tag.pointwise in operator.tags:
        return "elementwise"
    if torch.Tag.reduction in operator.tags:
        return "reduction"
    if operator.is_view and not operator._schema.is_mutable:
        return "free"
    return None
