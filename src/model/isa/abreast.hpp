#pragma once

#include <cstdint>

namespace paralogit::model {
namespace {

/// Twice as many lanes: each operation on two groups of lanes side by side. A processor looks only
/// so far ahead; where one group's operations wait for each other, those of the other are next.
template <typename L>
struct Twice {
    struct V {
        typename L::V first;
        typename L::V second;
    };
    struct M {
        typename L::M first;
        typename L::M second;
    };

    static V all(double x) { return {L::all(x), L::all(x)}; }

    static V add(V a, V b) { return {L::add(a.first, b.first), L::add(a.second, b.second)}; }
    static V sub(V a, V b) { return {L::sub(a.first, b.first), L::sub(a.second, b.second)}; }
    static V mul(V a, V b) { return {L::mul(a.first, b.first), L::mul(a.second, b.second)}; }
    static V div(V a, V b) { return {L::div(a.first, b.first), L::div(a.second, b.second)}; }
    static V fma(V a, V b, V c) {
        return {L::fma(a.first, b.first, c.first), L::fma(a.second, b.second, c.second)};
    }
    static V fnma(V a, V b, V c) {
        return {L::fnma(a.first, b.first, c.first), L::fnma(a.second, b.second, c.second)};
    }
    static V max(V a, V b) { return {L::max(a.first, b.first), L::max(a.second, b.second)}; }
    static V not_positive(V a) { return {L::not_positive(a.first), L::not_positive(a.second)}; }
    static V times_sign(V a, V b) {
        return {L::times_sign(a.first, b.first), L::times_sign(a.second, b.second)};
    }

    static M has_sign(V a) { return {L::has_sign(a.first), L::has_sign(a.second)}; }
    static M less(V a, V b) { return {L::less(a.first, b.first), L::less(a.second, b.second)}; }
    static M equal(V a, V b) { return {L::equal(a.first, b.first), L::equal(a.second, b.second)}; }
    static M both(M a, M b) { return {L::both(a.first, b.first), L::both(a.second, b.second)}; }
    static V select(M m, V yes, V no) {
        return {L::select(m.first, yes.first, no.first),
                L::select(m.second, yes.second, no.second)};
    }

    static V pick(const double (&table)[8], V shifted) {
        return {L::pick(table, shifted.first), L::pick(table, shifted.second)};
    }
    static V scaled(V m, V e) {
        return {L::scaled(m.first, e.first), L::scaled(m.second, e.second)};
    }
};

}  // namespace
}  // namespace paralogit::model
