"""The networks that `make test-zoo` checks. Their strides, rounding and other tokens are stated here, independently of this library."""

from tests.zoo.network import Network

FEW = {"depth": 4}
SMALL = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 192}
NO_AUXILIARY = {"aux_logits": False, "init_weights": False}
SMALL_BEIT = {"depth": 3, "embed_dim": 192, "num_heads": 3}
DINO = {"patch_size": 14, **SMALL}


TWOS = "2+ 2+ 2+ 2+ 2+"
MERGING = " 2+ 2+ 2+"
POOLING = " 2- 2- 2-"


def _timm(name: str, steps: str, **settings: object) -> Network:
    return Network(name, "timm", steps, **settings)  # type: ignore[arg-type]


def _sized(name: str, steps: str, left_out: int = 0, **options: object) -> Network:
    """Return a network of timm that is built for a size."""
    return Network(name, "timm", steps, left_out, size_option="img_size", options=options)


def _transformers(name: str, steps: str, left_out: int = 0, sized: bool = False, **options: object) -> Network:
    return Network(name, "transformers", steps, left_out, size_option="image_size" if sized else None, options=options)


TIMM = (
    _sized("vit_tiny_patch16_224", "16-", 1),
    _sized("vit_little_patch16_reg4_gap_256", "16-", 4, **FEW),
    _sized("deit_tiny_distilled_patch16_224", "16-", 2, **FEW),
    _sized("vit_small_patch14_reg4_dinov2", "14-", 5, depth=3),
    _sized("vit_small_patch16_dinov3", "16-", 5, depth=3),
    _sized("eva02_tiny_patch14_224", "14-", 1, depth=3),
    _sized("beit_base_patch16_224", "16-", 1, **SMALL_BEIT),
    _sized("cait_xxs24_224", "16-", 1, **FEW),
    _sized("xcit_nano_12_p16_224", "2+ 2+ 2+ 2+", 1, **FEW),
    _sized("mixer_s32_224", "32-"),
    _sized("resmlp_12_224", "16-"),
    _sized("gmlp_ti16_224", "16-"),
    _sized("convit_tiny", "16-", 1),
    _sized("tnt_s_legacy_patch16_224", "4+ 4-", 1, **FEW),
    _sized("swin_tiny_patch4_window7_224", "4-" + MERGING),
    _sized("swinv2_tiny_window8_256", "4-" + MERGING),
    _sized("maxvit_rmlp_pico_rw_256", TWOS),
    _timm("convnext_atto", "4-" + POOLING),
    _sized("hiera_tiny_224", "4+" + POOLING),
    _timm("sam2_hiera_tiny", "4+" + POOLING),
    _timm("pvt_v2_b0", "4+" + MERGING),
    _timm("mobilevit_xxs", TWOS),
    _timm("mobilevitv2_050", TWOS + " even", reach=None),
    _timm("efficientformer_l1", TWOS),
    _sized("efficientformerv2_s0", TWOS),
    _timm("efficientvim_m1", TWOS + " 2+", fixed={"alpha": (-4, -4)}),  # weights of the layers that mix all positions
    _timm("poolformer_s12", "4-" + MERGING),  # its first padding of 2 rounds up for a remainder of 3 only
    _timm("crossvit_tiny_240", "12-", left_out=1, grid=(20, 20)),
    _timm(
        "levit_128s", TWOS + " 2+", size_option="img_size", reach=None, fixed={"attention_biases": (0, -9)}
    ),  # the same place
    _sized("twins_svt_small", "4-" + POOLING),
    _timm("coat_tiny", "4-" + POOLING, left_out=1, size_option="img_size", reach=None),
    _timm("davit_tiny", "4+" + MERGING),
    _sized("sequencer2d_s", "7- 2-"),
    _timm("mambaout_femto", TWOS),
)

TRANSFORMERS = (
    _transformers("ViTForImageClassification", "16-", 1, sized=True, **SMALL),
    _transformers("DeiTForImageClassification", "16-", 2, sized=True, **SMALL),
    _transformers("BeitForImageClassification", "16-", 1, sized=True, **SMALL),
    _transformers("Dinov2ForImageClassification", "14-", 1, **DINO),
    _transformers("Dinov2WithRegistersForImageClassification", "14-", 5, **DINO),
    _transformers("DINOv3ViTModel", "16-", 5, num_register_tokens=4, **SMALL),
    _transformers("IJepaForImageClassification", "16-", 0, sized=True, **SMALL),
    _transformers("ViTMAEModel", "16-", sized=True, mask_ratio=0.0, **SMALL),
    _transformers("CLIPVisionModel", "16-", 1, patch_size=16, **SMALL),
    _transformers("SiglipVisionModel", "16-", 0, patch_size=16, **SMALL),
    _transformers("SwinForImageClassification", "4+" + MERGING, sized=True),
    _transformers("Swinv2ForImageClassification", "4+" + MERGING, sized=True),
    _transformers("CvtForImageClassification", "4- 2+ 2+", 1),  # as in PoolFormer
    _transformers("ConvNextV2ForImageClassification", "4-" + POOLING),
    _transformers("SegformerForImageClassification", "4+" + MERGING),
    _transformers("MobileViTForImageClassification", TWOS),
    _transformers("MobileViTV2ForImageClassification", TWOS),
    _transformers("ResNetForImageClassification", TWOS),
)

TORCHVISION = (
    Network("resnet18", "torchvision", TWOS),
    Network("mobilenet_v3_small", "torchvision", TWOS, reach=None),
    Network("densenet121", "torchvision", "2+ 2+" + POOLING),
    Network("vgg11", "torchvision", "2-" + " 2-" * 4, grid=(7, 7)),
    Network("efficientnet_b0", "torchvision", TWOS, reach=None),
    Network("convnext_tiny", "torchvision", "4-" + POOLING),
    Network("swin_t", "torchvision", "4-" + MERGING),
    Network("vit_b_32", "torchvision", "32-", 1),
    Network("maxvit_t", "torchvision", TWOS, size_option="input_size"),
    Network("googlenet", "torchvision", "2+ 2- 2- 2- 2+", options=NO_AUXILIARY),
    Network("shufflenet_v2_x0_5", "torchvision", TWOS),
)

KERAS = (
    Network("MobileNetV2", "keras", TWOS, colors="signed", reach=None),
    Network("MobileNetV3Small", "keras", TWOS, colors="pixels", reach=None),
    Network("EfficientNetB0", "keras", TWOS, colors="pixels", reach=None),
    Network("EfficientNetV2B0", "keras", TWOS, colors="pixels", reach=None),
    Network("DenseNet121", "keras", "2+ 2+" + POOLING, colors="imagenet"),
    Network("ResNet50V2", "keras", TWOS, colors="signed"),
    Network("VGG16", "keras", "2-" + " 2-" * 4, colors="caffe"),
    Network("Xception", "keras", "2- 2+ 2+ 2+ 2+", colors="signed"),  # the border that it loses moves no rounding
)

NETWORKS = (*TIMM, *TRANSFORMERS, *TORCHVISION, *KERAS)
