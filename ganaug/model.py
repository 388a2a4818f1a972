"""A fitted generator with what it needs, and its way into a file and back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganaug._util.store import (
    Arrays,
    Header,
    array_of,
    arrays_under,
    header_bool,
    header_dict,
    header_float,
    header_int,
    header_str,
)
from ganaug.base import GeneratorOptions, Modality
from ganaug.exceptions import ModelFileError


@dataclass(frozen=True)
class Model:
    """A fitted generator with what it needs: the modality, the network, and the options that shape it.

    Parameters
    ----------
    modality : Modality
    options : GeneratorOptions
    network : Module
    guide : object, optional
        What chooses among the rows drawn.
    """

    modality: Modality
    options: GeneratorOptions
    network: nn.Module
    guide: Any = None

    @classmethod
    def build(cls, modality: Modality, options: GeneratorOptions, seed: int) -> Model:
        """A network with its first weights; torch's global generator is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs' too
            return cls(modality, options, modality.build(options))

    def copy(self) -> Model:
        """The same with a network of its own, which may be trained further."""
        return replace(self, network=copy.deepcopy(self.network))

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return next(self.network.parameters()).device

    def weights(self) -> Arrays:
        """The network's parameters as arrays."""
        return {name: tensor.cpu().numpy() for name, tensor in self.network.state_dict().items()}

    def in_double(self) -> nn.Module:
        """A copy of the network in double precision, where a row's value doesn't depend on its neighbours."""
        network = network_from(lambda: self.modality.build(self.options), self.weights())
        return network.to(self.device).double().eval()

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header, arrays = self.modality.to_state()
        state: Header = {
            "modality": {"name": self.modality.name, **header},
            "generator": {"name": self.options.name, **self.options.get_params()},
        }
        parts = {"modality": arrays, "network": self.weights()}
        state["guide"] = None
        if self.guide is not None:
            state["guide"], parts["guide"] = self.guide.to_state()
        return state, {
            f"{part}.{name}": array for part, held in parts.items() for name, array in held.items()
        }

    @classmethod
    def from_state(
        cls,
        header: Header,
        arrays: Arrays,
        modalities: Mapping[str, type[Modality]],
        generators: Mapping[str, type[GeneratorOptions]],
        codecs: Sequence[type[Any]] = (),
    ) -> Model:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        described = header_dict(header, "modality")
        kind = modalities[header_str(described, "name", choices=tuple(modalities))]
        modality = kind.from_state(described, arrays_under("modality.", arrays), codecs)
        given = header_dict(header, "generator")
        options = options_from_state(given, generators[header_str(given, "name", choices=tuple(generators))])
        network = network_from(lambda: modality.build(options), arrays_under("network.", arrays))
        guide = None
        if header.get("guide") is not None:
            guide = modality.guide_from_state(header_dict(header, "guide"), arrays_under("guide.", arrays))
        return cls(modality, options, network, guide)


def network_from(build: Callable[[], nn.Module], weights: Arrays) -> nn.Module:
    """A network around given weights: nothing is allocated before every shape has been compared."""
    try:
        with torch.device("meta"):
            network = build()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"The options of a network in the file are wrong: {error}") from error
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if set(expected) != set(weights):
        raise ModelFileError("The network's arrays are not those that its options call for.")
    tensors = {name: _weight(weights, name, shape) for name, shape in expected.items()}
    network.load_state_dict(tensors, assign=True)
    return network


def _weight(weights: Arrays, name: str, shape: tuple[int, ...]) -> Tensor:
    with np.errstate(over="ignore"):
        narrow = array_of(weights, name, "f", shape=shape).astype(np.float32)
    return torch.from_numpy(array_of({name: narrow}, name, "f", shape=shape, finite=True))


def options_from_state(header: Header, kind: type[GeneratorOptions]) -> GeneratorOptions:
    """Options from the dict of their values; anything malformed is a `ModelFileError`."""
    readers: dict[type, Callable[[Header, str], Any]] = {
        bool: header_bool,
        float: header_float,
        int: header_int,
        str: _text_or_number,
    }
    given = {name: readers[type(value)](header, name) for name, value in kind().get_params().items()}
    options = kind(**given)
    try:
        options.check()
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"The generator's options are wrong: {error}") from error
    return options


def _text_or_number(header: Header, name: str) -> Any:
    """What may be "auto", a name or a number."""
    return header_str(header, name) if isinstance(header.get(name), str) else header_int(header, name)
