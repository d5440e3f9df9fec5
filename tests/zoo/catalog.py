"""The networks that `make test-zoo` checks. Their strides, rounding and other tokens are stated here, independently of this library."""

from tests.zoo.network import Network

FEW = {"depth": 4}
SMALL = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 192}
NO_AUXILIARY = {"aux_logits": False, "init_weights": False}
SMALL_BEIT = {"depth": 3, "embed_dim": 192, "num_heads": 3}
DINO = {"patch_size": 14, **SMALL}


def _timm(name: str, stride: int, rounding: str = "up", **settings: object) -> Network:
    return Network(name, "timm", stride, rounding, **settings)  # type: ignore[arg-type]


def _patches(name: str, stride: int, left_out: int, **options: object) -> Network:
    """Return a network of timm that cuts patches without padding, and is built for a size."""
    return Network(name, "timm", stride, "down", left_out, size_option="img_size", options=options)


def _transformers(
    name: str, stride: int, rounding: str = "up", left_out: int = 0, sized: bool = False, **options: object
) -> Network:
    return Network(
        name, "transformers", stride, rounding, left_out, size_option="image_size" if sized else None, options=options
    )


TIMM = (
    _patches("vit_tiny_patch16_224", 16, 1),
    _patches("vit_little_patch16_reg4_gap_256", 16, 4, **FEW),
    _patches("deit_tiny_distilled_patch16_224", 16, 2, **FEW),
    _patches("vit_small_patch14_reg4_dinov2", 14, 5, depth=3),
    _patches("vit_small_patch16_dinov3", 16, 5, depth=3),
    _patches("eva02_tiny_patch14_224", 14, 1, depth=3),
    _patches("beit_base_patch16_224", 16, 1, **SMALL_BEIT),
    _patches("cait_xxs24_224", 16, 1, **FEW),
    _timm("xcit_nano_12_p16_224", 16, left_out=1, size_option="img_size", options=FEW),
    _patches("mixer_s32_224", 32, 0),
    _patches("resmlp_12_224", 16, 0),
    _patches("gmlp_ti16_224", 16, 0),
    _patches("convit_tiny", 16, 1),
    _timm("tnt_s_legacy_patch16_224", 16, "down", left_out=1, size_option="img_size", options=FEW),
    _timm("swin_tiny_patch4_window7_224", 32, size_option="img_size"),
    _timm("swinv2_tiny_window8_256", 32, size_option="img_size"),
    _timm("maxvit_rmlp_pico_rw_256", 32, size_option="img_size"),
    _timm("convnext_atto", 32, "down"),
    _timm("hiera_tiny_224", 32, size_option="img_size"),
    _timm("sam2_hiera_tiny", 32),
    _timm("pvt_v2_b0", 32),
    _timm("mobilevit_xxs", 32),
    _timm("mobilevitv2_050", 32, "up to even", reach=2),
    _timm("efficientformer_l1", 32),
    _timm("efficientformerv2_s0", 32, size_option="img_size"),
    _timm("efficientvim_m1", 64, reach=None),
    _timm("poolformer_s12", 32),
    _timm("crossvit_tiny_240", 12, "down", left_out=1, grid=(20, 20)),
    _timm("levit_128s", 64, size_option="img_size"),
    _timm("twins_svt_small", 32, size_option="img_size"),
    _timm("coat_tiny", 32, "down", left_out=1, size_option="img_size"),
    _timm("davit_tiny", 32),
    _timm("sequencer2d_s", 14, "down", size_option="img_size"),
    _timm("mambaout_femto", 32),
)

TRANSFORMERS = (
    _transformers("ViTForImageClassification", 16, "down", 1, sized=True, **SMALL),
    _transformers("DeiTForImageClassification", 16, "down", 2, sized=True, **SMALL),
    _transformers("BeitForImageClassification", 16, "down", 1, sized=True, **SMALL),
    _transformers("Dinov2ForImageClassification", 14, "down", 1, **DINO),
    _transformers("Dinov2WithRegistersForImageClassification", 14, "down", 5, **DINO),
    _transformers("DINOv3ViTModel", 16, "down", 5, num_register_tokens=4, **SMALL),
    _transformers("IJepaForImageClassification", 16, "down", 0, sized=True, **SMALL),
    _transformers("CLIPVisionModel", 16, "down", 1, patch_size=16, **SMALL),
    _transformers("SiglipVisionModel", 16, "down", 0, patch_size=16, **SMALL),
    _transformers("SwinForImageClassification", 32, sized=True),
    _transformers("Swinv2ForImageClassification", 32, sized=True),
    _transformers("ConvNextV2ForImageClassification", 32, "down"),
    _transformers("SegformerForImageClassification", 32),
    _transformers("MobileViTForImageClassification", 32),
    _transformers("ResNetForImageClassification", 32),
)

TORCHVISION = (
    Network("resnet18", "torchvision", 32),
    Network("mobilenet_v3_small", "torchvision", 32, reach=2),
    Network("densenet121", "torchvision", 32, "down"),
    Network("vgg11", "torchvision", 32, grid=(7, 7)),
    Network("efficientnet_b0", "torchvision", 32, reach=2),
    Network("convnext_tiny", "torchvision", 32, "down"),
    Network("swin_t", "torchvision", 32),
    Network("vit_b_32", "torchvision", 32, "down", 1),
    Network("maxvit_t", "torchvision", 32, size_option="input_size"),
    Network("googlenet", "torchvision", 32, options=NO_AUXILIARY),
    Network("shufflenet_v2_x0_5", "torchvision", 32),
)

KERAS = (
    Network("MobileNetV2", "keras", 32, colors="signed", reach=2),
    Network("MobileNetV3Small", "keras", 32, colors="pixels", reach=2),
    Network("EfficientNetB0", "keras", 32, colors="pixels", reach=2),
    Network("DenseNet121", "keras", 32, "down", colors="imagenet"),
    Network("ResNet50V2", "keras", 32, colors="signed"),
    Network("VGG16", "keras", 32, "down", colors="caffe"),
    Network("Xception", "keras", 32, colors="signed"),
)

NETWORKS = (*TIMM, *TRANSFORMERS, *TORCHVISION, *KERAS)
