"""Mix names: one canonical spelling for each mix, whatever was written."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyglot.core.errors import BadInput
from polyglot.core.languages import ISO_639_1, language_rank
from polyglot.core.mix import Mix

CODES = st.lists(st.sampled_from(sorted(ISO_639_1)), min_size=1, max_size=6, unique=True)
SIZES = st.none() | st.integers(1, 10**12 - 1)
WEIGHTS = st.integers(1, 1_000).map(str) | st.decimals("0.01", "100", places=2).map(str)
ALIKE = st.sampled_from(
    ["1", "1.0000001", "0.9999999", "1.000002"]
)  # shares that differ by less than a millionth or so


@st.composite
def names(draw: st.DrawFn) -> str:
    """Any spelling of any mix."""
    codes, size = draw(CODES), draw(SIZES)
    if draw(st.booleans()):
        weights = draw(st.sampled_from([WEIGHTS, ALIKE]))
        text = ",".join(f"{code}:{draw(weights)}" for code in codes)
    else:
        text = "".join(codes) + draw(st.sampled_from(["", "-sampled", "-t2.5", "-T1", "-t0.500"]))
    text += "" if size is None else f"@{size}"
    return draw(st.sampled_from([text, text.lower(), f" {text}\n"]))


def parsed(text: str) -> tuple[Mix | None, str]:
    """The mix, or what is wrong with the text."""
    try:
        return Mix.parse(text), ""
    except BadInput as error:
        return None, str(error)


class TestForm:
    @given(names())
    def test_the_canonical_name_is_a_name_of_the_same_mix(self, text: str) -> None:
        mix = Mix.parse(text)
        assert Mix.parse(mix.canonical) == mix
        assert Mix.parse(mix.canonical).canonical == mix.canonical
        assert mix.canonical == str(mix)

    @given(CODES, st.randoms(use_true_random=False), st.sampled_from(["", "-sampled", "@7"]))
    def test_a_mix_is_a_set_of_languages(self, codes: list[str], random: object, rest: str) -> None:
        shuffled = list(codes)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        assert Mix.parse("".join(shuffled) + rest) == Mix.parse("".join(codes) + rest)

    @pytest.mark.parametrize(
        "name",
        ["EN", "DE", "FR", "IT", "ES", "ENDEFRITES", "DEFRITES", "ENDEFRITES-sampled", "DEFRITES-sampled", "EN@100"],
    )
    def test_the_paper_s_spelling_is_the_canonical_one(self, name: str) -> None:
        assert Mix.parse(name).canonical == name

    def test_languages_beyond_the_five_come_after_them_by_code(self) -> None:
        assert Mix.parse("sefinoitdear").canonical == "DEITARFINOSE"

    def test_one_language_is_never_sampled(self) -> None:
        assert Mix.parse("EN-sampled") == Mix.parse("EN:3") == Mix.parse("EN")

    @given(names(), SIZES)
    def test_another_size_changes_nothing_else(self, text: str, size: int | None) -> None:
        mix = Mix.parse(text)
        assert mix.with_size(size).size == size
        assert mix.with_size(size).with_size(mix.size) == mix


class TestShares:
    @given(st.dictionaries(st.sampled_from(["EN", "DE", "FR", "IT", "ES"]), st.integers(1, 10_000), min_size=2))
    def test_shares_sum_to_one_and_lie_within_a_millionth_of_what_was_written(self, weights: dict[str, int]) -> None:
        mix = Mix.parse(",".join(f"{code}:{weight}" for code, weight in weights.items()))
        assert mix.sampled
        if mix.millionths is None:
            assert len(set(weights.values())) == 1
            return
        assert sum(mix.millionths) == 10**6
        for code, part in zip(mix.languages, mix.millionths, strict=True):
            exact = Fraction(weights[code], sum(weights.values()))
            assert abs(Fraction(part, 10**6) - exact) < Fraction(1, 10**6)

    @given(st.lists(st.integers(1, 1000), min_size=3, max_size=3), st.integers(1, 1000))
    def test_a_common_factor_means_nothing(self, weights: list[int], factor: int) -> None:
        spell = "EN:{},DE:{},FR:{}".format
        assert Mix.parse(spell(*weights)) == Mix.parse(spell(*(weight * factor for weight in weights)))

    def test_the_order_of_shares_means_nothing_even_where_rounding_has_to_choose(self) -> None:
        forms = {Mix.parse(",".join(order)) for order in itertools.permutations(["EN:1", "DE:1", "FR:1", "IT:4"])}
        assert [mix.canonical for mix in forms] == ["EN:0.142857,DE:0.142857,FR:0.142857,IT:0.571429"]

    @pytest.mark.parametrize("spelling", ["EN:2,DE:1,FR:1", "fr:0.25,de:0.25,en:0.5", "EN:2e0, DE:1.0 ,FR:1"])
    def test_the_documented_example(self, spelling: str) -> None:
        assert Mix.parse(spelling).canonical == "EN:0.5,DE:0.25,FR:0.25"

    def test_equal_shares_are_the_plain_sampled_form(self) -> None:
        assert Mix.parse("EN:7,DE:7").canonical == "ENDE-sampled"
        assert Mix.parse("EN:1.0000001,DE:1") == Mix.parse("ENDE-sampled")
        assert Mix.parse("EN:1,DE:1,FR:1") == Mix.parse("EN:0.333334,DE:0.333333,FR:0.333333")


class TestRefusal:
    @given(
        st.text(max_size=30)
        | st.text("ßﬁıſKaAeEnNsS:1,-@", max_size=6)
        | st.from_regex(r"[A-Z:,.@0-9e-]{0,20}", fullmatch=True)
    )
    def test_any_text_is_a_mix_or_bad_input_with_its_text_in_one_line(self, text: str) -> None:
        mix, message = parsed(text)
        if mix is None:
            assert message.startswith("bad mix name: ")
            assert "\n" not in message
        else:
            assert list(mix.languages) == sorted(mix.languages, key=language_rank)
            assert set(mix.languages) <= ISO_639_1
            assert text.strip().isascii()

    @pytest.mark.parametrize(
        "text",
        [
            "EN@01",
            "EN@1.0",
            "EN@１",
            "EN@",
            "EN@1@2",
            "EN-sampled-sampled",
            "EN:1,",
            "ＥＮ",
            "ß",
            "ﬁ",
            "ıt",
            "ß:1,EN:2",
        ],
    )
    def test_near_misses_are_refused(self, text: str) -> None:
        with pytest.raises(BadInput, match="bad mix name"):
            Mix.parse(text)
