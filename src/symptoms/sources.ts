/** Where the words of the mlx5 driver stand in Linux's source. */
export const core = "linux drivers/net/ethernet/mellanox/mlx5/core";
