"""In which folder under a ComfyUI server's models folder a node looks for its files, by node class and input name."""

FOLDERS = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "control_net_name": "controlnet",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "clip_name3": "text_encoders",
    "style_model_name": "style_models",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "photomaker_model_name": "photomaker",
    "ipadapter_file": "ipadapter",
    "audio_encoder_name": "audio_encoders",
}
"""Folder by the name of the input, for core nodes that are not listed below."""

FOLDERS_OF_CLASS = {
    "CLIPVisionLoader": "clip_vision",
    "UpscaleModelLoader": "upscale_models",
    "ModelPatchLoader": "model_patches",
    "ImageOnlyCheckpointLoader": "checkpoints",
    "LoadFramePackModel": "diffusion_models",
    "ADE_LoadAnimateDiffModel": "animatediff_models",
    "ADE_AnimateDiffLoaderGen1": "animatediff_models",
    "ADE_AnimateDiffLoaderV1Advanced": "animatediff_models",
    "ADE_AnimateDiffLoaderWithContext": "animatediff_models",
    "AnimateDiffLoaderV1": "animatediff_models",
    "IPAdapterModelLoader": "ipadapter",
    "ControlNetLoaderAdvanced": "controlnet",
    "DiffControlNetLoaderAdvanced": "controlnet",
    "CheckpointLoaderSimpleWithNoiseSelect": "checkpoints",
}
"""Folder by class: where an input's name says too little, and for nodes of packs, which may keep files where they like."""


def folder_of(class_type: str, name: str, *, core: bool = True) -> str:
    """Folder that this input of this class names a file of; "" where nobody knows. `core` says that no node pack brings the class."""
    return FOLDERS_OF_CLASS.get(class_type) or (FOLDERS.get(name, "") if core else "")
