  vector[7] ALLIANCE = [0, 1, 1, 1, 1, 1, 1]';
  vector[7] PARTNERS = [0, 0, 0, 1, 1, 2, 2]';
  vector[7] STRONG = [0, 0, 1, 0, 1, 0, 1]';
  matrix[7, 3] DEPARTURES = [[0, 1, 1, -2, -2, 1, 1] / sqrt(12.0),
                             [0, 1, -1, 0, 0, -1, 1] / 2.0,
                             [0, 1, -1, -2, 2, 1, -1] / sqrt(12.0)]';
