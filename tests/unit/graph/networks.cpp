#include "unit/graph/networks.h"

#include <algorithm>

#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

class NetworkMaker {
 public:
  NetworkMaker(uint64_t seed, NetworkParts parts) : parts_(parts), make_({1, 3, 9, 9}, seed) {}

  Graph network() {
    int x = conv(0, width());
    const int64_t blocks = pick(2, 5);
    for (int64_t i = 0; i < blocks; ++i) x = block(x);
    return head(x);
  }

 private:
  int64_t pick(int64_t low, int64_t high) { return make_.random().between(low, high); }
  int64_t width() { return 4 * pick(1, 3); }
  int64_t channels(int x) { return make_.shape(x)[1]; }

  int activation(int x) {
    const Op smooth[] = {Op::relu, Op::silu, Op::sigmoid};
    const Op clamped[] = {Op::relu6, Op::hardswish, Op::hardsigmoid};
    const auto which = static_cast<size_t>(pick(0, 2));
    return make_.add(parts_.clamps && pick(0, 1) == 1 ? clamped[which] : smooth[which], {x});
  }

  /// A convolution of 1 x 1 or 3 x 3 with what usually follows.
  int conv(int x, int64_t outputs, int64_t groups = 1, bool keeps_size = false) {
    const bool fits = parts_.padded || (!keeps_size && make_.shape(x)[2] >= 5);
    const int64_t kernel = fits && pick(0, 1) == 1 ? 3 : 1;
    const int64_t padding = parts_.padded ? kernel / 2 : 0;
    const bool norm = pick(0, 1) == 1;
    x = make_.conv(x, outputs, {kernel, kernel},
                   {{1, 1}, {padding, padding, padding, padding}, {1, 1}, groups},
                   !norm || pick(0, 3) == 0);
    if (norm) x = make_.batch_norm(x);
    return pick(0, 3) == 0 ? x : activation(x);
  }

  int block(int x) {
    switch (pick(0, 8)) {
      case 0:
        return conv(x, width());
      case 1:
        return residual(x);
      case 2:
        return make_.add(Op::concat, {x, conv(x, width(), 1, true)}, AxisAttributes{1});
      case 3:
        return conv(conv(x, channels(x), channels(x)), width());
      case 4:
        return squeeze_excite(x);
      case 5:
        return widened(x);
      case 6:
        return split(x);
      case 7:
        return conv(x, channels(x), parts_.grouped ? groups_of(x) : 1);
      default:
        return parts_.shuffles ? shuffle(x) : x;
    }
  }

  int64_t groups_of(int x) {
    const int64_t channel_count = channels(x);
    if (channel_count % 2 != 0) return 1;
    return pick(0, 1) == 1 ? 2 : channel_count / 2;
  }

  int residual(int x) {
    const int y = conv(conv(x, width(), 1, true), channels(x), 1, true);
    return activation(make_.add(Op::add, {x, y}));
  }

  int squeeze_excite(int x) {
    int s = make_.add(Op::adaptive_avg_pool, {x}, AdaptivePoolAttributes{{1, 1}});
    s = make_.add(Op::relu, {make_.conv(s, 4, {1, 1})});
    s = make_.add(Op::sigmoid, {make_.conv(s, channels(x), {1, 1})});
    return make_.add(Op::mul, {x, s});
  }

  /// A shortcut whose new channels are zeros.
  int widened(int x) {
    const int64_t more = pick(1, 4);
    const int y = make_.conv(x, channels(x) + more, {1, 1});
    const int64_t before = pick(0, more);
    const int wide =
        make_.add(Op::pad, {x}, PadAttributes{{0, before, 0, 0}, {0, more - before, 0, 0}, 0});
    return make_.add(Op::add, {wide, y});
  }

  /// Some channels go through a convolution, the others around it.
  int split(int x) {
    const int64_t half = channels(x) / 2;
    const int left = make_.add(Op::slice, {x}, SliceAttributes{1, 0, half, 1});
    const int right = make_.add(Op::slice, {x}, SliceAttributes{1, half, channels(x), 1});
    return make_.add(Op::concat, {left, conv(right, width(), 1, true)}, AxisAttributes{1});
  }

  int shuffle(int x) {
    const Shape shape = make_.shape(x);
    const Shape halves{2, shape[1] / 2, shape[2], shape[3]};
    if (shape[1] % 2 != 0) return x;
    int y = make_.add(Op::reshape, {x}, ReshapeAttributes{halves});
    y = make_.add(Op::permute, {y}, PermuteAttributes{{0, 2, 1, 3, 4}});
    return make_.add(Op::reshape, {y}, ReshapeAttributes{{shape[1], shape[2], shape[3]}});
  }

  Graph head(int x) {
    if (pick(0, 1) == 1) x = make_.add(Op::max_pool, {x}, PoolAttributes{{2, 2}, {2, 2}});
    if (pick(0, 1) == 1) x = make_.add(Op::adaptive_avg_pool, {x}, AdaptivePoolAttributes{{1, 1}});
    x = make_.add(Op::flatten, {x}, AxisAttributes{1});
    if (pick(0, 1) == 1) x = make_.add(Op::relu, {make_.linear(x, 7)});
    make_.linear(x, 3);
    return make_.graph();
  }

  NetworkParts parts_;
  GraphMaker make_;
};

}  // namespace

Graph random_network(uint64_t seed, NetworkParts parts) {
  return NetworkMaker(seed, parts).network();
}

std::vector<bool> random_keep(const Graph& graph, const ChannelGroups& groups, double share,
                              uint64_t seed) {
  Random random(seed);
  std::vector<bool> keep(static_cast<size_t>(groups.unit_count));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = !random.chance(share);
  for (int i = 0; i < graph.size(); ++i) {
    const std::vector<int>& units = groups.axes[static_cast<size_t>(i)].units;
    const auto stays = [&](int unit) { return unit == kFixed || keep[static_cast<size_t>(unit)]; };
    if (!units.empty() && std::none_of(units.begin(), units.end(), stays)) {
      keep[static_cast<size_t>(units[0])] = true;
    }
  }
  return keep;
}

}  // namespace fpcls
